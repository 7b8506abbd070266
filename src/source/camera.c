/* source: a camera, by its number or device, in the mode that costs least. */
#include "base/error.h"
#include "source/kind.h"
#include "source/reader.h"
#include "source/v4l2.h"

#include <libavdevice/avdevice.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A camera that sends nothing for that long is gone. */
#define PATIENCE_US INT64_C(1500000)

static bool is_number(const char *source) {
    size_t digits = strspn(source, "0123456789");
    return digits > 0 && digits < 4 && source[digits] == '\0';
}

static bool matches(const char *source) {
    return is_number(source) || strncmp(source, "/dev/video", 10) == 0 ||
           strncmp(source, "/dev/v4l/", 9) == 0;
}

static void find_device(const char *source, char *device, size_t size) {
    snprintf(device, size, "%s%s", is_number(source) ? "/dev/video" : "", source);
}

static int choose(const sl_source_settings *settings, const char *device, const char *name,
                  sl_mode *mode) {
    sl_v4l2_facts facts;
    size_t chosen;
    bool unchanged =
        settings->deliver == SL_DELIVER_ANY && !settings->filter && !settings->timecode;
    sl_mode_wish wish = {
        .size = settings->size,
        .fps = settings->fps,
        .deliver = settings->deliver,
        .passes = unchanged,
        .video = unchanged && settings->fps <= 0 ? settings->video : SL_FORMAT_NONE,
    };
    int code = sl_v4l2_inspect(device, settings->size, &facts);
    if (code >= 0)
        code = sl_mode_choose(facts.modes, facts.count, &wish, name, &chosen);
    if (code >= 0)
        *mode = facts.modes[chosen];
    sl_v4l2_facts_finish(&facts);
    if (code < 0 && !strstr(sl_error(), device))
        sl_fail(code, "%s can't be opened: %s", name, sl_error());
    return code == SL_EUNSUPPORTED ? SL_ESOURCE : code;
}

static void mode_options(const sl_mode *mode, double fps, AVDictionary **options) {
    char text[64];
    av_dict_set(options, "input_format", sl_mode_libav_format(mode->fourcc), 0);
    snprintf(text, sizeof(text), "%dx%d", mode->width, mode->height);
    av_dict_set(options, "video_size", text, 0);
    if (fps <= 0)
        fps = mode->fps;
    snprintf(text, sizeof(text), "%g", fps);
    if (fps > 0)
        av_dict_set(options, "framerate", text, 0);
}

static int open_camera(void **state, sl_source_shared *shared, char *describe, size_t size) {
    char device[256], name[160];
    sl_mode mode;
    sl_reader *reader;
    AVDictionary *options = NULL;
    find_device(shared->settings.source, device, sizeof(device));
    snprintf(name, sizeof(name), "the camera %.140s", device);
    int code = choose(&shared->settings, device, name, &mode);
    if (code < 0)
        return code;
    avdevice_register_all();
    mode_options(&mode, shared->settings.fps, &options);
    sl_reader_settings settings = {
        .input = {.name = name,
                  .url = device,
                  .format = "video4linux2",
                  .low_delay = true,
                  .device = true,
                  .patience_us = PATIENCE_US},
        .live = true,
        .own_size = true,
    };
    code = sl_reader_open(&reader, shared, &settings, &options);
    if (code < 0)
        return code;
    sl_reader_describe(reader, describe, size);
    *state = reader;
    return SL_OK;
}

static int read_camera(void *state, sl_frame **frame) {
    int64_t pts_us;
    return sl_reader_read(state, frame, &pts_us);
}

static void close_camera(void *state) {
    sl_reader *reader = state;
    sl_reader_close(&reader);
}

static bool is_live(const void *state) {
    (void)state;
    return true;
}

const sl_source_kind sl_source_camera = {
    .name = "camera",
    .matches = matches,
    .open = open_camera,
    .read = read_camera,
    .close = close_camera,
    .live = is_live,
    .returns = true,
};
