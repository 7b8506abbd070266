/* cli: what a viewer shows beside its sink. */
#include "faces.h"

#include <sightline/error.h>
#include <string.h>

#define LOOK_MS 200 /* how soon a recording begins that somebody asks for while nobody looks */

/* Decoded only for who takes what is decoded. */
static sl_output output_for(const struct faces *faces, sl_web_wish wish) {
    bool page = faces->output == SL_OUTPUT_CODED && wish == SL_WEB_PICTURES;
    return page ? SL_OUTPUT_PLANES : faces->output;
}

static bool has_sink(const struct viewer_end *end) {
    return !end->sink.sink || strcmp(end->sink.sink, "null") != 0;
}

bool faces_sleep(const struct viewer_end *end) {
    bool records = end->recorder.directory || end->recorder.before_s > 0;
    return end->web.listen && !has_sink(end) && !records;
}

static void record_frame(void *user, const sl_frame *coded) {
    sl_recorder_take(user, coded);
}

/* Before the frame may be decoded: a keyframe that somebody asked for is not to be missed. */
static void serve_frame(void *user, const sl_frame *coded) {
    struct faces *faces = user;
    sl_receiver_set_output(faces->receiver, output_for(faces, sl_web_wants(faces->web)));
    sl_web_take(faces->web, coded);
}

/* With --record from the first frame on, unless it is for what somebody will ask for. */
static int open_recorder(struct faces *faces, const sl_viewer *viewer,
                         sl_recorder_settings *settings) {
    settings->viewer = viewer;
    settings->idle = !settings->directory || settings->before_s > 0;
    int code = sl_recorder_open(&faces->recorder, settings);
    if (code < 0)
        return code;
    return sl_receiver_tap(faces->receiver,
                           &(sl_tap){.take = record_frame, .user = faces->recorder});
}

static int open_page(struct faces *faces, const sl_viewer *viewer, sl_web_settings *settings) {
    settings->viewer = viewer;
    settings->recorder = faces->recorder;
    int code = sl_web_open(&faces->web, settings);
    if (code < 0)
        return code;
    return sl_receiver_tap(faces->receiver, &(sl_tap){.take = serve_frame, .user = faces});
}

/* In the live pattern a recording takes video as it comes, of which each frame is in a tap alone.
 */
static int tap_sink(struct faces *faces, const sl_viewer *viewer, sl_sink *sink) {
    sl_tap tap;
    int code = sl_sink_tap(sink, &tap, viewer);
    if (code == SL_EUNSUPPORTED)
        return SL_OK;
    if (code == SL_OK)
        code = sl_receiver_tap(faces->receiver, &tap);
    if (code < 0)
        return code;
    faces->sink_tap = tap.user;
    faces->output = SL_OUTPUT_CODED;
    return SL_OK;
}

int faces_open(struct faces *faces, sl_receiver *receiver, struct viewer_end *end, sl_sink *sink) {
    sl_viewer viewer;
    int code = SL_OK;
    bool page = end->web.listen != NULL, any = page || end->recorder.directory;
    bool shows = has_sink(end);
    *faces = (struct faces){
        .receiver = receiver,
        .output = any && !shows ? SL_OUTPUT_CODED : sl_sink_output(sink),
        .always = shows || end->receiver.link.pattern != SL_PATTERN_LIVE,
    };
    sl_receiver_viewer(receiver, &viewer);
    if (end->receiver.link.pattern == SL_PATTERN_LIVE)
        code = tap_sink(faces, &viewer, sink);
    if (code == SL_OK && any)
        code = open_recorder(faces, &viewer, &end->recorder);
    if (code == SL_OK && page)
        code = open_page(faces, &viewer, &end->web);
    if (code == SL_OK)
        sl_receiver_set_output(receiver, output_for(faces, SL_WEB_NOTHING));
    return code;
}

bool faces_await(struct faces *faces, sl_cancel *cancel, int most_ms) {
    sl_web_wish wish = faces->web ? sl_web_wants(faces->web) : SL_WEB_NOTHING;
    bool wanted = faces->always || !faces->web || wish != SL_WEB_NOTHING ||
                  sl_recorder_wants(faces->recorder);
    if (wanted)
        sl_receiver_set_output(faces->receiver, output_for(faces, wish));
    else
        sl_web_wait(faces->web, wish, cancel, most_ms < LOOK_MS ? most_ms : LOOK_MS);
    return wanted;
}

void faces_show(struct faces *faces, const sl_frame *frame) {
    bool decoded = frame->format < SL_FORMAT_JPEG;
    if (faces->web && decoded && sl_web_wants(faces->web) == SL_WEB_PICTURES)
        sl_web_show(faces->web, frame);
}

const char *faces_link(const struct faces *faces) {
    return faces->web ? sl_web_link(faces->web) : NULL;
}

int faces_close(struct faces *faces) {
    if (faces->web)
        sl_receiver_untap(faces->receiver, faces);
    if (faces->recorder)
        sl_receiver_untap(faces->receiver, faces->recorder);
    if (faces->sink_tap)
        sl_receiver_untap(faces->receiver, faces->sink_tap);
    sl_web_close(&faces->web);
    return sl_recorder_close(&faces->recorder);
}
