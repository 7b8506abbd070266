/* wire: NetGear's messages, bytes only.
 *
 *   frame, sender → receiver            reply, receiver → sender
 *   ┌────────────────┬──────────────┐   ┌─────────────────────────────────────────────┐
 *   │ JSON: the head │ JPEG / array │   │ Data received on device: <8 of A-Z0-9> !    │
 *   └────────────────┴──────────────┘   └─────────────────────────────────────────────┘
 *   end: one part, {"terminate_flag": true}
 *
 *   reply that carries something back     … or an array
 *   ┌───────────────────────────────────┐ ┌──────────────────────────────┬──────────────┐
 *   │ JSON: [port,] return_type, data   │ │ JSON: what is in part 2, and │ JPEG / array │
 *   └───────────────────────────────────┘ └──────────────────────────────┴──────────────┘
 *
 * In a multi mode the end that has many peers' counterparts says who it is: a multi-server sender
 * with "port" in its heads and ends, a multi-client receiver with a reply of JSON that begins so.
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

/* Bytes of a JSON value that travels in one: the rest of it is short. */
#define SL_NETGEAR_JSON_MAX (SL_NETGEAR_HEAD_MAX - 4096)

/* Lists and objects in one: a reader spends far more on each than the two bytes that it takes. And
 * in a JSON value that travels in it. */
#define SL_NETGEAR_HEAD_LISTS_MAX ((size_t)64 * 1024)
#define SL_NETGEAR_JSON_LISTS_MAX (SL_NETGEAR_HEAD_LISTS_MAX - 8)

/* Bytes of a port's JSON text, with the NUL. */
#define SL_NETGEAR_PORT_MAX 64

/* The head of a coded frame or array, as JSON. `port` is the JSON text of the sender's own port;
 * NULL: it doesn't say. SL_EINVAL when its message is not JSON or too long, or the frame is
 * planar. */
int sl_netgear_write_head(const sl_frame *coded, sl_pattern pattern, const char *port,
                          sl_buffer **head);

/* The end message. `port` as in the head. */
int sl_netgear_write_end(const char *port, sl_buffer **head);

/* A plain reply; `device` is 8 characters of A-Z0-9. */
int sl_netgear_write_reply(const char *device, sl_buffer **reply);

/* Replies that carry something back, and the port as in the head: a JSON value (NULL: null), or the
 * first of two parts, whose second is the bytes of `coded`. SL_EINVAL when `json` is not JSON or
 * too long. */
int sl_netgear_write_data(const char *port, const char *json, sl_buffer **reply);
int sl_netgear_write_array(const char *port, const sl_frame *coded, sl_buffer **head);

/* SL_EINVAL for a text that is not one JSON value, or that no head has room for. */
int sl_netgear_check_json(const char *text);

/* Whether a text can be a port: a whole number or a string as JSON, short enough. */
bool sl_netgear_is_port(const char *text);

/* Fills `device` (9 bytes with the NUL) with random characters. */
void sl_netgear_device_name(char device[9]);

/* What a message turned out to be. */
typedef struct sl_netgear_message {
    bool end;                       /* the end of the stream */
    int pattern;                    /* as the head says, -1 when it doesn't */
    char port[SL_NETGEAR_PORT_MAX]; /* JSON text, as the head says; "": it doesn't */
    sl_frame *frame;                /* coded frame or array; NULL at the end; the caller's */
} sl_netgear_message;

/* Reads a message of `count` parts from a peer. SL_EMESSAGE with the reason for anything that is
 * not NetGear's: one part, three parts, bad JSON, missing keys, wrong types, absurd shapes, dtype
 * × shape unlike the size. Frames share the part's bytes; a JPEG is not looked into. */
int sl_netgear_read(sl_buffer *const *parts, size_t count, sl_netgear_message *message);

/* Reads a reply that carries something back. A value becomes a frame of SL_FORMAT_NONE with that
 * message, an array a coded frame or an array; null leaves NULL, unless the reply says whose it is.
 * SL_EMESSAGE with the reason for anything that is not NetGear's. */
int sl_netgear_read_reply(sl_buffer *const *parts, size_t count, sl_frame **returned);

#endif
