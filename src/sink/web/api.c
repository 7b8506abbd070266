/* sink/web: what is told of cameras: the list, the news of each second, figures, a snapshot. Used
 * by server.c, on the server's thread, and by the door's beat. */
#include "base/clock.h"
#include "base/error.h"
#include "sink/web/json.h"
#include "sink/web/server.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SNAPSHOT_US (5 * SL_SECOND_US)

/* All cameras as they are now, and how they are recorded. */
typedef struct scene {
    size_t count;
    bool recorder;
    sl_stats stats;
    sl_camera_view cameras[SL_VIEWS_MAX];
    sl_recording recordings[SL_VIEWS_MAX];
} scene;

/* To be freed; NULL when out of memory. */
static scene *look(const sl_web *web) {
    scene *seen = calloc(1, sizeof(*seen));
    if (!seen)
        return NULL;
    web->viewer.stats(web->viewer.user, &seen->stats);
    seen->count = web->viewer.cameras(web->viewer.user, seen->cameras, SL_VIEWS_MAX);
    for (size_t i = 0; i < seen->count; i++)
        seen->recorder = sl_web_recording(web, &seen->cameras[i], &seen->recordings[i]);
    return seen;
}

static json_t *list(const scene *seen) {
    json_t *cameras = json_array();
    for (size_t i = 0; cameras && i < seen->count; i++)
        json_array_append_new(
            cameras,
            sl_web_json_camera(&seen->cameras[i], seen->recorder ? &seen->recordings[i] : NULL));
    return cameras;
}

enum MHD_Result sl_web_answer_cameras(sl_web_visit *visit) {
    scene *seen = look(visit->web);
    char *text = seen ? sl_web_json_write(list(seen)) : NULL;
    free(seen);
    return sl_web_answer_text(visit, MHD_HTTP_OK, "application/json", text);
}

static void release(void *opaque, void *data) {
    (void)opaque;
    free(data);
}

/* An event as browsers read it; NULL when out of memory. */
static sl_buffer *write_news(const scene *seen) {
    char *json = sl_web_json_write(sl_web_json_news(list(seen), &seen->stats, sl_utc_us()));
    char *text = NULL;
    sl_buffer *news = NULL;
    if (json && asprintf(&text, "event: cameras\ndata: %s\n\n", json) > 0 &&
        sl_buffer_wrap(&news, text, strlen(text), release, NULL) < 0)
        free(text);
    free(json);
    return news;
}

void sl_web_tell_news(sl_web *web, int64_t at_most_us) {
    int64_t age_us;
    if (sl_web_hub_has_news(web->hub, &age_us) && age_us < at_most_us)
        return;
    scene *seen = look(web);
    sl_buffer *news = seen ? write_news(seen) : NULL;
    if (news)
        sl_web_hub_publish(web->hub, news);
    free(seen);
}

enum MHD_Result sl_web_answer_metrics(sl_web_visit *visit) {
    sl_web *web = visit->web;
    sl_web_hub_figures hub;
    scene *seen = look(web);
    if (!seen)
        return MHD_NO;
    sl_web_hub_count(web->hub, &hub);
    sl_web_figures figures = {
        .stats = &seen->stats,
        .cameras = seen->cameras,
        .recordings = seen->recorder ? seen->recordings : NULL,
        .count = seen->count,
        .browsers = hub.readers,
        .coded = hub.coded,
        .skipped = hub.skipped,
        .cut_off = web->cut_off,
        .sent_bytes = web->sent_bytes,
    };
    for (int i = 0; i < SL_WEB_STATUS_COUNT; i++)
        figures.requests[i] = web->requests[i];
    char *text = sl_web_metrics(&figures);
    free(seen);
    return sl_web_answer_text(visit, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", text);
}

bool sl_web_find_camera(sl_web_visit *visit, sl_camera_view *camera, enum MHD_Result *answered) {
    const sl_viewer *viewer = &visit->web->viewer;
    sl_camera_view *cameras = calloc(SL_VIEWS_MAX, sizeof(*cameras));
    size_t count = cameras ? viewer->cameras(viewer->user, cameras, SL_VIEWS_MAX) : 0, i = 0;
    while (i < count && strcmp(cameras[i].id, visit->task.id) != 0)
        i++;
    bool found = i < count;
    if (found)
        *camera = cameras[i];
    free(cameras);
    if (!found)
        *answered = sl_web_refuse(visit, MHD_HTTP_NOT_FOUND,
                                  "there is no such camera: /api/cameras lists those there are");
    return found;
}

size_t sl_web_find_cameras(const sl_web_visit *visit, sl_camera_view *found, unsigned *places) {
    const sl_viewer *viewer = &visit->web->viewer;
    sl_camera_view *cameras = calloc(SL_VIEWS_MAX, sizeof(*cameras));
    size_t known = cameras ? viewer->cameras(viewer->user, cameras, SL_VIEWS_MAX) : 0, count = 0;
    const char *id = visit->task.cameras;
    for (unsigned place = 0; *id && place < SL_VIEWS_MAX; place++) {
        size_t length = strcspn(id, ","), i = 0;
        while (i < known &&
               (strlen(cameras[i].id) != length || strncmp(cameras[i].id, id, length) != 0))
            i++;
        if (i < known) {
            found[count] = cameras[i];
            places[count++] = place;
        }
        id += length + (id[length] == ',');
    }
    free(cameras);
    return count;
}

static void unref(void *bytes) {
    sl_buffer *buffer = bytes;
    sl_buffer_unref(&buffer);
}

/* Under a name that tells camera and time. */
static void name_file(struct MHD_Response *response, const char *id, int64_t utc_us) {
    char moment[32], text[SL_VIEW_ID_MAX + 96];
    time_t seconds = (time_t)(utc_us / SL_SECOND_US);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    strftime(moment, sizeof(moment), "%Y%m%dT%H%M%S", &utc);
    snprintf(text, sizeof(text), "attachment; filename=\"%s_%s.%03dZ.jpg\"", id, moment,
             (int)(utc_us % SL_SECOND_US / 1000));
    MHD_add_response_header(response, "Content-Disposition", text);
}

/* Takes the piece's reference. `old`: it is the last of a camera that sends none now. */
static enum MHD_Result send_picture(sl_web_visit *visit, const sl_web_piece *piece, bool old) {
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback_cls(
        piece->bytes->size, piece->bytes->data, unref, piece->bytes);
    if (!response) {
        unref(piece->bytes);
        return MHD_NO;
    }
    int64_t age_us = sl_now_us() - piece->came_us, now_us = sl_utc_us();
    int64_t taken_us = piece->captured_us ? piece->captured_us : now_us - age_us;
    char text[32];
    snprintf(text, sizeof(text), "%" PRId64, (now_us - taken_us) / 1000);
    MHD_add_response_header(response, "Content-Type", "image/jpeg");
    if (old)
        MHD_add_response_header(response, "X-Sightline-Age-Ms", text);
    if (visit->task.download)
        name_file(response, visit->task.id, taken_us);
    return sl_web_answer(visit, MHD_HTTP_OK, response);
}

static bool sends(const sl_camera_view *camera) {
    return camera->state == SL_VIEW_LIVE || camera->state == SL_VIEW_UNWATCHED;
}

static bool begin_snapshot(sl_web_visit *visit, const sl_camera_view *camera) {
    visit->reader.reading = SL_WEB_READS_ONE;
    visit->reader.connection = visit->connection;
    visit->until_us = sends(camera) ? sl_now_us() + SNAPSHOT_US : 0;
    visit->waits = sl_web_hub_join(visit->web->hub, &visit->reader, camera) == SL_OK;
    if (visit->waits && visit->guest)
        sl_web_guest_stay(visit->guest);
    return visit->waits;
}

/* However slowly it is taken, no camera is kept awake for it. */
static void end_wait(sl_web_visit *visit) {
    sl_web_hub_leave(&visit->reader);
    visit->waits = false;
}

enum MHD_Result sl_web_answer_snapshot(sl_web_visit *visit) {
    sl_camera_view camera;
    sl_web_piece piece;
    enum MHD_Result answered;
    if (!visit->waits && !sl_web_find_camera(visit, &camera, &answered))
        return answered;
    if (!visit->waits && !begin_snapshot(visit, &camera))
        return MHD_NO;
    for (;;) {
        if (sl_web_hub_next(&visit->reader, &piece)) {
            end_wait(visit);
            return send_picture(visit, &piece, visit->until_us == 0);
        }
        if (visit->until_us == 0)
            return sl_web_refuse(visit, MHD_HTTP_SERVICE_UNAVAILABLE,
                                 "the camera sends nothing now, and none of its pictures is left");
        if (sl_now_us() >= visit->until_us)
            return sl_web_refuse(visit, MHD_HTTP_GATEWAY_TIMEOUT,
                                 "the camera sent no picture within 5 seconds");
        int code = sl_web_hub_rest(&visit->reader, 1);
        if (code == SL_OK)
            return MHD_YES;
        if (code == SL_EEND)
            return sl_web_refuse(visit, MHD_HTTP_SERVICE_UNAVAILABLE, "the viewer ends");
    }
}
