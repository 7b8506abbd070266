/* sink/web: cameras as JSON. Used by api.c. */
#include "sink/web/json.h"
#include "base/text.h"
#include "frame/frame.h"

#include <sightline/version.h>
#include <string.h>

#define SECONDS_DIGITS 16 /* of numbers: microseconds of this century's times */

/* What a peer may have chosen, as harmless text. NULL, and nothing at all, are null. */
static json_t *text(const char *from) {
    char own[1024];
    if (!from || !from[0])
        return json_null();
    sl_text_copy(own, from, sizeof(own));
    sl_text_harmless(own);
    return json_string(own);
}

/* Unix seconds; 0 isn't known. */
static json_t *moment(int64_t utc_us) {
    return utc_us > 0 ? json_real((double)utc_us / 1e6) : json_null();
}

static json_t *milliseconds(double value) {
    return value >= 0 ? json_real((double)(int64_t)(value * 10 + 0.5) / 10) : json_null();
}

static json_t *count(uint64_t value) {
    return json_integer((json_int_t)value);
}

static json_t *side(int pixels) {
    return pixels > 0 ? json_integer(pixels) : json_null();
}

json_t *sl_web_json_recording(const sl_recording *recording) {
    if (!recording)
        return json_null();
    return json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:o}", "state", sl_recording_state_name(recording->state),
        "since", moment(recording->since_us), "until", moment(recording->until_us), "path",
        text(recording->path), "reason", text(recording->reason), "bytes", count(recording->bytes));
}

static json_t *age(const sl_latency *latency) {
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "last", milliseconds(latency->last), "p50",
                     milliseconds(latency->p50), "p95", milliseconds(latency->p95), "p99",
                     milliseconds(latency->p99), "max", milliseconds(latency->max));
}

static json_t *picture(const sl_camera_view *camera) {
    return json_pack("{s:o, s:o, s:o, s:f, s:f}", "codec", text(sl_view_codec_name(camera->format)),
                     "width", side(camera->width), "height", side(camera->height), "fps",
                     camera->fps, "rate_kbit", (double)camera->bit_rate / 1e3);
}

json_t *sl_web_json_camera(const sl_camera_view *camera, const sl_recording *recording) {
    json_t *json =
        json_pack("{s:s, s:o, s:s, s:o, s:o, s:o}", "id", camera->id, "name", text(camera->name),
                  "state", sl_view_state_name(camera->state), "since", moment(camera->since_us),
                  "reason", text(camera->reason), "last", moment(camera->last_us));
    json_t *more =
        json_pack("{s:o, s:o, s:o, s:o, s:o}", "frames", count(camera->frames), "dropped",
                  count(camera->dropped), "bytes", count(camera->bytes), "latency_ms",
                  age(&camera->latency), "recording", sl_web_json_recording(recording));
    json_t *shown = picture(camera);
    if (!json || json_object_update(json, shown) < 0 || json_object_update(json, more) < 0) {
        json_decref(json);
        json = NULL;
    }
    json_decref(more);
    json_decref(shown);
    return json;
}

static json_t *tunnel(const sl_stats *stats) {
    if (stats->tunnel == SL_TUNNEL_NONE)
        return json_null();
    return json_pack("{s:s, s:o, s:o}", "state", sl_tunnel_state_name(stats->tunnel), "reason",
                     text(stats->tunnel_reason), "reconnects", count(stats->tunnel_reconnects));
}

json_t *sl_web_json_news(json_t *cameras, const sl_stats *stats, int64_t now_us) {
    if (!cameras)
        return NULL;
    return json_pack("{s:o, s:o, s:{s:s, s:b, s:o, s:o}}", "now", moment(now_us), "cameras",
                     cameras, "viewer", "version", SL_VERSION, "connected", stats->connected,
                     "tunnel", tunnel(stats), "reconnects", count(stats->reconnects));
}

char *sl_web_json_write(json_t *json) {
    char *written =
        json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(SECONDS_DIGITS)) : NULL;
    json_decref(json);
    return written;
}
