/* link: what a ZMTP peer says of itself before any message (ZeroMQ RFC 37: greeting, READY). */
#ifndef LINK_GREETING_H
#define LINK_GREETING_H

#include <sightline/link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SL_GREETING_BYTES     64  /* of a greeting */
#define SL_GREETING_ASKING    11  /* of them, that have libzmq send all of its own */
#define SL_GREETING_UNASKED   10  /* of them, that libzmq sends before it has heard anything */
#define SL_GREETING_BYTES_MAX 512 /* that are read of a peer, with its READY */

/* How an end talks, which its peer must match. */
typedef struct sl_manner {
    sl_pattern pattern;
    bool secure; /* with CURVE; else with the mechanism NULL */
} sl_manner;

typedef struct sl_greeting {
    bool zmtp;             /* it greets as ZeroMQ does */
    char says[64];         /* what it says otherwise, harmless to print; "": nothing */
    char mechanism[21];    /* "NULL", "CURVE"; "" when it did not come that far */
    char socket_type[16];  /* "REP"; "" when it is not told, as with CURVE */
    int64_t round_trip_us; /* from our greeting to its answer; -1: unknown */
    bool ended;            /* it ended the connection before it had told enough */
} sl_greeting;

/* Our own greeting, of a sender: ZMTP 3.0. */
void sl_greeting_write(uint8_t bytes[SL_GREETING_BYTES], bool secure);

/* The READY of a sender of this pattern, or a viewer: how many of the bytes it takes. */
size_t sl_greeting_write_ready(uint8_t bytes[SL_GREETING_BYTES], sl_pattern pattern, bool viewer);

/* Whether a sender of this pattern, or a viewer, has this socket type (NULL: unknown). */
bool sl_greeting_fits(const char *socket_type, sl_pattern pattern, bool viewer);

/* The pattern of senders, or viewers, that have this socket type; NULL for none. */
const char *sl_greeting_pattern_of(const char *socket_type, bool viewer);

/* Reads what came so far. True when there is nothing more to wait for. */
bool sl_greeting_read(const uint8_t *bytes, size_t size, sl_greeting *greeting);

/* Whether it was told for certain what who greets so is: its security is another than this
 * manner's, or it has told its socket type. */
bool sl_greeting_tells(const sl_greeting *greeting, sl_manner manner);

#define SL_MISMATCH_MAX 200 /* bytes of its sentence */
#define SL_ADVICE_MAX   80

/* What to type about two patterns that differ: "give this end --pattern pair, or the viewer
 * --pattern live". First comes what suits a peer of NetGear's, which has no live. `peer`: "viewer"
 * or "sender". */
void sl_greeting_advise(char advice[SL_ADVICE_MAX], const char *ours, const char *theirs,
                        const char *peer);

/* Whether who greets so is no viewer for a sender of this manner, that stands at `where`; then, in
 * one sentence, why. What is encrypted can't be told: that a secure one has another pattern. */
bool sl_greeting_mismatch(const sl_greeting *greeting, sl_manner manner, const char *where,
                          char why[SL_MISMATCH_MAX]);

#endif
