/* sink: what one kind of sink is. Adding one touches its own file and the list in sink.c. */
#ifndef SINK_KIND_H
#define SINK_KIND_H

#include <sightline/sink.h>

typedef struct sl_sink_kind {
    const char *name;
    bool (*matches)(const char *sink);
    int (*open)(void **state, const sl_sink_settings *settings);
    int (*write)(void *state, const sl_frame *frame);
    int (*idle)(void *state);                      /* NULL: nothing to do */
    void (*status)(void *state, const char *line); /* NULL: nothing to show it on */
    uint64_t (*dropped)(const void *state);        /* NULL: never drops */
    int (*close)(void *state);                     /* finishes, frees */
    sl_output output;
} sl_sink_kind;

#endif
