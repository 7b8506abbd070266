/* sink: what one kind of sink is. Adding one touches its own file and the list in sink.c. */
#ifndef SINK_KIND_H
#define SINK_KIND_H

#include <sightline/sink.h>

typedef struct sl_sink_kind {
    const char *name;
    bool (*matches)(const char *sink);
    /* `settings` are the sink's own copy and outlive the state. */
    int (*open)(void **state, const sl_sink_settings *settings);
    int (*write)(void *state, const sl_frame *frame);
    int (*idle)(void *state);                      /* NULL: nothing to do */
    void (*status)(void *state, const char *line); /* NULL: nothing to show it on */
    void (*tell)(void *state, const sl_camera_view *cameras, size_t count); /* the same */
    uint64_t (*dropped)(const void *state);                                 /* NULL: never drops */
    /* Of a sink that a tap may give its frames: who is asked for keyframes from now on, and that
     * frames were let go before the next. NULL: it is no such sink. */
    void (*tap)(void *state, const sl_viewer *viewer);
    void (*miss)(void *state);
    int (*close)(void *state); /* finishes, frees */
    sl_output output;
} sl_sink_kind;

extern const sl_sink_kind sl_sink_null;
extern const sl_sink_kind sl_sink_pipe;
extern const sl_sink_kind sl_sink_window;
extern const sl_sink_kind sl_sink_png;
extern const sl_sink_kind sl_sink_jpeg;
extern const sl_sink_kind sl_sink_record;

/* The PATH of "file:PATH", or NULL when `sink` is not a file. */
const char *sl_sink_path(const char *sink);

/* Whether `path` ends in one of the words (each with its dot), in any case; ended by NULL. */
bool sl_sink_ends_with(const char *path, const char *const *endings);

#endif
