/* source: what one kind of source is. Adding one touches its own file and the list in source.c. */
#ifndef SOURCE_KIND_H
#define SOURCE_KIND_H

#include <sightline/source.h>

typedef struct sl_source_kind {
    const char *name;
    /* Whether it is for this SOURCE text. The first in the list that says so is taken. */
    bool (*matches)(const char *source);
    /* Opens and probes; `describe` is filled for a person. */
    int (*open)(void **state, const sl_source_settings *settings, char *describe, size_t size);
    /* The next frame, blocking until it is due or there; SL_EEND at the end. SL_ESOURCE with a
     * sentence. Watches settings->cancel and `stop`. */
    int (*read)(void *state, sl_frame **frame, const sl_cancel *stop);
    void (*close)(void *state);
    /* Whether this one replaces frames that nobody took (its own thread reads it). */
    bool (*live)(const void *state);
    /* Whether a failed read is worth opening again, for ever (cameras and streams). */
    bool returns;
} sl_source_kind;

#endif
