/* source: what is on an X11 screen. */
#include "base/error.h"
#include "source/kind.h"
#include "source/reader.h"

#include <libavdevice/avdevice.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USUAL_FPS   30
#define PATIENCE_US INT64_C(5000000)

static bool matches(const char *source) {
    return strncmp(source, "screen:", 7) == 0;
}

/* The display's name: what follows "screen:", or else the user's own. */
static int find_display(const char *source, const char **display) {
    *display = source + strlen("screen:");
    if (**display)
        return SL_OK;
    *display = getenv("DISPLAY");
    if (*display && **display)
        return SL_OK;
    if (getenv("WAYLAND_DISPLAY"))
        return sl_fail(SL_ESOURCE, "there is no X11 screen: DISPLAY is not set, and a Wayland "
                                   "desktop can be read through its X11 server only");
    return sl_fail(SL_ESOURCE, "there is no screen: DISPLAY is not set; name one, such as "
                               "screen::0");
}

static int open_screen(void **state, sl_source_shared *shared, char *describe, size_t size) {
    const char *display;
    char name[160];
    sl_reader *reader;
    AVDictionary *options = NULL;
    int code = find_display(shared->settings.source, &display);
    if (code < 0)
        return code;
    avdevice_register_all();
    double fps = shared->settings.fps > 0 ? shared->settings.fps : USUAL_FPS;
    char rate[32];
    snprintf(rate, sizeof(rate), "%g", fps);
    av_dict_set(&options, "framerate", rate, 0);
    snprintf(name, sizeof(name), "the screen %s", display);
    sl_reader_settings settings = {
        .input = {.name = name,
                  .url = display,
                  .format = "x11grab",
                  .low_delay = true,
                  .patience_us = PATIENCE_US},
        .live = true,
    };
    code = sl_reader_open(&reader, shared, &settings, &options);
    if (code < 0)
        return code;
    sl_reader_describe(reader, describe, size);
    *state = reader;
    return SL_OK;
}

static int read_screen(void *state, sl_frame **frame) {
    int64_t pts_us;
    return sl_reader_read(state, frame, &pts_us);
}

static void close_screen(void *state) {
    sl_reader *reader = state;
    sl_reader_close(&reader);
}

static bool is_live(const void *state) {
    (void)state;
    return true;
}

const sl_source_kind sl_source_screen = {
    .name = "screen",
    .matches = matches,
    .open = open_screen,
    .read = read_screen,
    .close = close_screen,
    .live = is_live,
    .returns = true,
};
