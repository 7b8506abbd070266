/* source: what one kind of source is. Adding one touches its own file and the list in source.c.
 *
 * A kind is opened by the thread that opens the source, and from then on belongs to the source's
 * own thread, which reads it, and closes and opens it again when it was lost. */
#ifndef SOURCE_KIND_H
#define SOURCE_KIND_H

#include <sightline/source.h>
#include <stdatomic.h>
#include <stdint.h>

/* What a source and its kind share. */
typedef struct sl_source_shared {
    sl_source_settings settings; /* the source's own copy */
    char name[160];              /* the SOURCE text for a person, without a password */
    const sl_cancel *cancel;     /* ends whatever the kind waits for: the user's while the source is
                                    opened, then the source's own */
    double fps;                  /* of the source as opened, 0: unknown; the kind sets it in open */
    atomic_uint_fast64_t corrupt; /* pictures that could not be decoded */
    atomic_uint_fast64_t dropped; /* pictures skipped, because a newer one was there */
} sl_source_shared;

typedef struct sl_source_kind {
    const char *name;
    /* Whether it is for this SOURCE text. The first in the list that says so is taken. */
    bool (*matches)(const char *source);
    /* Opens and probes; `describe` is filled for a person. `shared` outlives the state. */
    int (*open)(void **state, sl_source_shared *shared, char *describe, size_t size);
    /* The next frame, blocking until it is due or there; SL_EEND at the end. SL_ESOURCE with a
     * sentence. Watches shared->cancel. */
    int (*read)(void *state, sl_frame **frame);
    void (*close)(void *state);
    /* Whether this one replaces frames that nobody took: it is read all the time, not on demand. */
    bool (*live)(const void *state);
    /* Whether one that is live and gave a frame is worth opening again, for ever, when a read
     * fails (cameras and streams). */
    bool returns;
} sl_source_kind;

extern const sl_source_kind sl_source_pattern;
extern const sl_source_kind sl_source_pipe;
extern const sl_source_kind sl_source_screen;
extern const sl_source_kind sl_source_camera;
extern const sl_source_kind sl_source_network;
extern const sl_source_kind sl_source_file;

#endif
