/* sink: the public calls, the options, and the list of kinds. Called by the host of a receiver. */
#include <sightline/sink.h>

#include "base/error.h"
#include "base/settings.h"
#include "sink/kind.h"
#include "sink/recording/tapped.h"

#include <libavutil/log.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct sl_sink {
    const sl_sink_kind *kind;
    void *state;
    sl_sink_settings settings; /* our copy, which the state refers to */
    sl_tapped *tapped;         /* whose the state is; NULL: no tap was asked for */
};

/* The first that matches is taken. */
static const sl_sink_kind *const kinds[] = {
    &sl_sink_null, &sl_sink_pipe, &sl_sink_window, &sl_sink_png, &sl_sink_jpeg, &sl_sink_record,
};

static const sl_option options[] = {
    {.name = "sink",
     .type = SL_OPTION_STRING,
     .offset = offsetof(sl_sink_settings, sink),
     .fallback = "window",
     .values = "window, null, file:PATH or -",
     .help = "Where frames go: a window, nowhere, a recording or picture, or Y4M on standard "
             "output"},
    {.name = "window_title",
     .type = SL_OPTION_STRING,
     .offset = offsetof(sl_sink_settings, title),
     .fallback = "Sightline",
     .values = "TEXT",
     .help = "Title of the window"},
    {.name = "snapshot_directory",
     .type = SL_OPTION_STRING,
     .offset = offsetof(sl_sink_settings, directory),
     .values = "DIRECTORY",
     .help = "Where the window's s key saves pictures; without it the working directory"},
    {.name = "sink_fps",
     .type = SL_OPTION_NUMBER,
     .offset = offsetof(sl_sink_settings, fps),
     .minimum = 0,
     .maximum = 1000,
     .fallback = "0",
     .values = "0 to 1000",
     .help = "Frames a second written into the head of Y4M; 0 measures the first frames"},
};

static const sl_option_group groups[] = {
    {"Sink", options, SL_COUNT(options), 0},
    {0},
};

const char *sl_sink_path(const char *sink) {
    return strncmp(sink, "file:", 5) == 0 ? sink + 5 : NULL;
}

bool sl_sink_ends_with(const char *path, const char *const *endings) {
    size_t length = strlen(path);
    for (; *endings; endings++) {
        size_t ending = strlen(*endings);
        if (length > ending && strcasecmp(path + length - ending, *endings) == 0)
            return true;
    }
    return false;
}

void sl_sink_settings_init(sl_sink_settings *settings) {
    sl_settings_init(settings, sizeof(*settings), groups);
}

static const sl_sink_kind *find_kind(const char *name) {
    for (size_t i = 0; i < SL_COUNT(kinds); i++)
        if (kinds[i]->matches(name))
            return kinds[i];
    if (sl_sink_path(name))
        sl_fail(SL_EINVAL,
                "cannot tell what to write into '%s' from its name: end it in .mkv, .mp4 or .mov "
                "for a recording, in .png or .jpg for the newest picture",
                sl_sink_path(name));
    else
        sl_fail(SL_EINVAL, "there is no sink '%s': say window, null, file:PATH, or - for a pipe",
                name);
    return NULL;
}

int sl_sink_open(sl_sink **sink, const sl_sink_settings *settings) {
    *sink = NULL;
    const sl_sink_kind *kind = find_kind(settings->sink ? settings->sink : "window");
    if (!kind)
        return SL_EINVAL;
    av_log_set_level(AV_LOG_QUIET); /* libav would print; what matters our sentences say */
    sl_sink *opened = calloc(1, sizeof(*opened));
    if (!opened)
        return sl_fail_memory();
    opened->kind = kind;
    int code = sl_settings_copy(&opened->settings, settings, sizeof(*settings));
    if (code < 0)
        goto out;
    code = kind->open(&opened->state, &opened->settings);
    if (code < 0)
        goto out;
    *sink = opened;
    return SL_OK;
out:
    sl_settings_finish(&opened->settings);
    free(opened);
    return code;
}

sl_output sl_sink_output(const sl_sink *sink) {
    return sink->kind->output;
}

int sl_sink_tap(sl_sink *sink, sl_tap *tap, const sl_viewer *viewer) {
    if (!sink->kind->tap || sink->tapped)
        return sl_fail(SL_EUNSUPPORTED, "the sink %s takes no frames of a tap", sink->kind->name);
    sink->kind->tap(sink->state, viewer);
    int code = sl_tapped_open(&sink->tapped, sink->kind, sink->state);
    *tap = (sl_tap){.take = sl_tapped_take, .user = sink->tapped};
    return code;
}

int sl_sink_write(sl_sink *sink, const sl_frame *frame) {
    return sink->tapped ? sl_tapped_result(sink->tapped) : sink->kind->write(sink->state, frame);
}

int sl_sink_idle(sl_sink *sink) {
    return sink->kind->idle ? sink->kind->idle(sink->state) : SL_OK;
}

bool sl_sink_interactive(const sl_sink *sink) {
    return sink->kind->idle != NULL;
}

void sl_sink_status(sl_sink *sink, const char *line) {
    if (sink->kind->status)
        sink->kind->status(sink->state, line);
}

void sl_sink_tell(sl_sink *sink, const sl_camera_view *cameras, size_t count) {
    if (sink->kind->tell)
        sink->kind->tell(sink->state, cameras, count);
}

uint64_t sl_sink_dropped(const sl_sink *sink) {
    if (sink->tapped)
        return sl_tapped_dropped(sink->tapped);
    return sink->kind->dropped ? sink->kind->dropped(sink->state) : 0;
}

int sl_sink_close(sl_sink **sink) {
    if (!*sink)
        return SL_OK;
    sl_tapped_close(&(*sink)->tapped);
    int code = (*sink)->kind->close((*sink)->state);
    sl_settings_finish(&(*sink)->settings);
    free(*sink);
    *sink = NULL;
    return code;
}
