/* wire: what heads and replies have in common, as JSON. Used in this room alone. */
#ifndef WIRE_JSON_H
#define WIRE_JSON_H

#include "wire/netgear.h"

#include <jansson.h>

/* Writing. NULL when out of memory. */

/* How a frame is coded: false, or what a JPEG's reader needs to know. */
json_t *sl_json_compression(const sl_frame *coded);

/* An array's sides; "" for a JPEG. */
json_t *sl_json_shape(const sl_frame *coded);

/* An object that begins with the port (NULL: none), and goes on with what stands in `rest`, whose
 * reference it takes; NULL when that is. */
json_t *sl_json_with_port(const char *port, json_t *rest);

/* Writes a message's JSON, whose reference it takes; NULL is lack of memory. SL_EINVAL when it is
 * longer than a head may be. */
int sl_json_write(json_t *json, sl_buffer **message);

/* Reads a JSON value that a user wrote; NULL when it is none, with the reason. */
json_t *sl_json_parse(const char *text);

/* How many lists and objects begin in a text that may be JSON, those inside others included. */
size_t sl_json_count_lists(const char *text, size_t size);

/* Reading, from a peer: SL_EMESSAGE with the reason, or NULL and false with it. */

/* The first part, as an object. */
json_t *sl_json_head(const sl_buffer *part);

/* A string without NUL characters that must be there. */
const char *sl_json_string(const json_t *object, const char *key);

/* Whose message it is, as JSON text; "" where it doesn't say. */
int sl_json_port(const json_t *head, char port[SL_NETGEAR_PORT_MAX]);

/* What a head or a reply calls the properties of its array. */
typedef struct sl_json_keys {
    const char *dtype, *shape;
} sl_json_keys;

/* The frame or array that the second part holds. */
int sl_json_frame(const json_t *head, const sl_json_keys *keys, sl_buffer *bytes, sl_frame **frame);

/* Gives the frame a value as its message; null is none. */
int sl_json_message(const json_t *value, sl_frame *frame);

#endif
