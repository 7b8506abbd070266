/* wire: NetGear's messages, bytes only.
 *
 *   frame, sender → receiver            reply, receiver → sender
 *   ┌────────────────┬──────────────┐   ┌─────────────────────────────────────────────┐
 *   │ JSON: the head │ JPEG / array │   │ Data received on device: <8 of A-Z0-9> !    │
 *   └────────────────┴──────────────┘   └─────────────────────────────────────────────┘
 *   end: one part, {"terminate_flag": true}
 *
 * docs/PROTOCOL.md tells the whole. Any thread.
 */
#ifndef WIRE_NETGEAR_H
#define WIRE_NETGEAR_H

#include "frame/buffer.h"
#include <sightline/frame.h>
#include <sightline/link.h>
#include <stdbool.h>
#include <stddef.h>

/* Bytes of a head's JSON, a message inside included. */
#define SL_NETGEAR_HEAD_MAX ((size_t)2 * 1024 * 1024)

/* The head of a coded frame or array, as JSON. SL_EINVAL when its message is not JSON or too long,
 * or the frame is planar. */
int sl_netgear_write_head(const sl_frame *coded, sl_pattern pattern, sl_buffer **head);

/* The end message. */
int sl_netgear_write_end(sl_buffer **head);

/* A plain reply; `device` is 8 characters of A-Z0-9. */
int sl_netgear_write_reply(const char *device, sl_buffer **reply);

/* Fills `device` (9 bytes with the NUL) with random characters. */
void sl_netgear_device_name(char device[9]);

/* What a message turned out to be. */
typedef struct sl_netgear_message {
    bool end;        /* the end of the stream */
    int pattern;     /* as the head says, -1 when it doesn't */
    sl_frame *frame; /* coded frame or array; NULL at the end; the caller's */
} sl_netgear_message;

/* Reads a message of `count` parts from a peer. SL_EMESSAGE with the reason for anything that is
 * not NetGear's: one part, three parts, bad JSON, missing keys, wrong types, absurd shapes, dtype
 * × shape unlike the size. Frames share the part's bytes; a JPEG is not looked into. */
int sl_netgear_read(sl_buffer *const *parts, size_t count, sl_netgear_message *message);

#endif
