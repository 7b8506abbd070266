/* Cameras as JSON, and as figures for Prometheus. */
#include "sink/web/json.h"
#include "sink/web/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static sl_camera_view camera(void) {
    return (sl_camera_view){
        .id = "front-door",
        .name = "front \"door\" \xff\x1b[2J",
        .state = SL_VIEW_LOST,
        .since_us = 1796054400250000,
        .reason = "no such device",
        .format = SL_FORMAT_H264,
        .width = 1280,
        .height = 720,
        .frames = 300,
        .dropped = 7,
        .bytes = UINT64_C(1) << 40,
        .bit_rate = 2500000,
        .fps = 29.5,
        .latency = {.last = 12.34, .p50 = 12, .p95 = 30, .p99 = -1, .max = -1},
        .ages = {1, 2, [12] = 4},
        .ages_s = 1.5,
    };
}

static void a_camera_is_told_whole(void **state) {
    (void)state;
    sl_camera_view view = camera();
    char *text = sl_web_json_write(sl_web_json_camera(&view, NULL));
    assert_string_equal(
        text, "{\"id\":\"front-door\",\"name\":\"front \\\"door\\\" ??[2J\",\"state\":\"lost\","
              "\"since\":1796054400.25,\"reason\":\"no such device\",\"last\":null,"
              "\"codec\":\"h264\",\"width\":1280,\"height\":720,\"fps\":29.5,"
              "\"rate_kbit\":2500.0,\"frames\":300,\"dropped\":7,\"bytes\":1099511627776,"
              "\"latency_ms\":{\"last\":12.3,\"p50\":12.0,\"p95\":30.0,\"p99\":null,\"max\":null},"
              "\"recording\":null}");
    free(text);
}

static void what_is_not_known_is_null(void **state) {
    (void)state;
    sl_camera_view view = {.id = "a", .name = "a", .latency = {-1, -1, -1, -1, -1}};
    json_t *json = sl_web_json_camera(&view, NULL);
    static const char *const unknown[] = {"since", "last", "reason", "codec", "width", "height"};
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
        assert_true(json_is_null(json_object_get(json, unknown[i])));
    json_decref(json);
}

static void news_tell_of_the_viewer(void **state) {
    (void)state;
    sl_stats stats = {.connected = true, .reconnects = 2, .tunnel = SL_TUNNEL_NONE};
    json_t *json = sl_web_json_news(json_array(), &stats, 1796054400250000);
    json_t *viewer = json_object_get(json, "viewer");
    assert_float_equal(json_number_value(json_object_get(json, "now")), 1796054400.25, 0);
    assert_true(json_is_true(json_object_get(viewer, "connected")));
    assert_true(json_is_null(json_object_get(viewer, "tunnel")));
    assert_int_equal(json_integer_value(json_object_get(viewer, "reconnects")), 2);
    json_decref(json);
    stats.tunnel = SL_TUNNEL_UP;
    json = sl_web_json_news(json_array(), &stats, 1);
    json_t *tunnel = json_object_get(json_object_get(json, "viewer"), "tunnel");
    assert_string_equal(json_string_value(json_object_get(tunnel, "state")), "up");
    json_decref(json);
}

static void figures_are_told(void **state) {
    (void)state;
    static const char *const lines[] = {
        "\nsightline_frames_total{camera=\"front-door\"} 300\n",
        "\nsightline_dropped_frames_total{camera=\"front-door\"} 7\n",
        "\nsightline_received_bytes_total{camera=\"front-door\"} 1099511627776\n",
        "\nsightline_camera_up{camera=\"front-door\"} 0\n",
        "\nsightline_frame_age_seconds_bucket{camera=\"front-door\",le=\"0.01\"} 1\n",
        "\nsightline_frame_age_seconds_bucket{camera=\"front-door\",le=\"0.025\"} 3\n",
        "\nsightline_frame_age_seconds_bucket{camera=\"front-door\",le=\"5\"} 3\n",
        "\nsightline_frame_age_seconds_bucket{camera=\"front-door\",le=\"+Inf\"} 7\n",
        "\nsightline_frame_age_seconds_sum{camera=\"front-door\"} 1.500000\n",
        "\nsightline_frame_age_seconds_count{camera=\"front-door\"} 7\n",
        "\nsightline_drops_total{reason=\"newer\"} 5\n",
        "\nsightline_tunnel_up 1\n",
        "\nsightline_reconnects_total 2\n",
        "\nsightline_browsers 3\n",
        "\nsightline_recording{camera=\"front-door\"} 1\n",
        "\nsightline_http_requests_total{code=\"303\"} 9\n",
    };
    sl_camera_view view = camera();
    sl_recording recording = {.state = SL_RECORDING_ON};
    sl_stats stats = {.reconnects = 2, .drops = {[SL_DROP_NEWER] = 5}};
    sl_web_figures figures = {.stats = &stats,
                              .cameras = &view,
                              .recordings = &recording,
                              .count = 1,
                              .browsers = 3,
                              .requests = {0, 9}};
    char *text = sl_web_metrics(&figures);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        assert_non_null(strstr(text, lines[i]));
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_camera_is_told_whole),
        cmocka_unit_test(what_is_not_known_is_null),
        cmocka_unit_test(news_tell_of_the_viewer),
        cmocka_unit_test(figures_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
