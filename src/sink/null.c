/* sink: null, which looks at nothing. For measuring, and for viewers that only count. */
#include "sink/kind.h"
#include <sightline/error.h>

#include <string.h>

static bool matches(const char *sink) {
    return strcmp(sink, "null") == 0;
}

static int open_null(void **state, const sl_sink_settings *settings) {
    (void)settings;
    *state = NULL;
    return SL_OK;
}

static int write_null(void *state, const sl_frame *frame) {
    (void)state;
    (void)frame;
    return SL_OK;
}

static int close_null(void *state) {
    (void)state;
    return SL_OK;
}

/* Frames are decoded all the same: what is measured is what a window would get. */
const sl_sink_kind sl_sink_null = {
    .name = "null",
    .matches = matches,
    .open = open_null,
    .write = write_null,
    .close = close_null,
    .output = SL_OUTPUT_PLANES,
};
