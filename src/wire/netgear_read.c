/*
 * NetGear's messages, read from a peer who may be hostile: bounded, and strict where a wrong value
 * could mislead. Called by the stream room.
 */
#include "wire/netgear.h"

#include "base/error.h"
#include "frame/frame.h"
#include "wire/json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static int refuse(const char *why) {
    return sl_fail(SL_EMESSAGE, "a message is not NetGear's: %s", why);
}

/* Before it is parsed, which may take eighty times its size in memory. */
static int check_bounds(const sl_buffer *part) {
    if (part->size > SL_NETGEAR_HEAD_MAX)
        return sl_fail(SL_EMESSAGE,
                       "a message is not NetGear's: its head has %zu bytes, more than %zu",
                       part->size, SL_NETGEAR_HEAD_MAX);
    if (sl_json_count_lists((const char *)part->data, part->size) > SL_NETGEAR_HEAD_LISTS_MAX)
        return sl_fail(SL_EMESSAGE,
                       "a message is refused: its head has more than %zu lists and objects",
                       SL_NETGEAR_HEAD_LISTS_MAX);
    return SL_OK;
}

json_t *sl_json_head(const sl_buffer *part) {
    json_error_t error;
    if (check_bounds(part))
        return NULL;
    json_t *head = json_loadb((const char *)part->data, part->size,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!head) {
        sl_fail(SL_EMESSAGE, "a message is not NetGear's: its head is not JSON (%s)", error.text);
        return NULL;
    }
    if (!json_is_object(head)) {
        refuse("its head is no JSON object");
        json_decref(head);
        return NULL;
    }
    return head;
}

/* A flag that must be there. */
static int read_flag(const json_t *object, const char *key, bool *flag) {
    const json_t *value = json_object_get(object, key);
    if (!json_is_boolean(value))
        return sl_fail(SL_EMESSAGE, "a message is not NetGear's: \"%s\" is %s", key,
                       value ? "neither true nor false" : "missing");
    *flag = json_is_true(value);
    return SL_OK;
}

const char *sl_json_string(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    const char *text = json_string_value(value);
    if (text && strlen(text) == json_string_length(value))
        return text;
    sl_fail(SL_EMESSAGE, "a message is not NetGear's: \"%s\" is %s", key,
            value ? "no plain string" : "missing");
    return NULL;
}

/* "0" to "2", or the same as a number; -1 where there is none. */
static int read_pattern(const json_t *head, int *pattern) {
    const json_t *value = json_object_get(head, "pattern");
    const char *text = json_string_value(value);
    *pattern = -1;
    if (!value || json_is_null(value))
        return SL_OK;
    if (json_is_integer(value) && json_integer_value(value) >= SL_PATTERN_PAIR &&
        json_integer_value(value) <= SL_PATTERN_PUBSUB)
        *pattern = (int)json_integer_value(value);
    else if (text && text[0] >= '0' && text[0] <= '2' && json_string_length(value) == 1)
        *pattern = text[0] - '0';
    else
        return refuse("\"pattern\" is none of 0, 1 and 2");
    return SL_OK;
}

int sl_json_port(const json_t *head, char port[SL_NETGEAR_PORT_MAX]) {
    const json_t *value = json_object_get(head, "port");
    port[0] = '\0';
    if (!value || json_is_null(value))
        return SL_OK;
    if (!json_is_integer(value) && !json_is_string(value))
        return refuse("\"port\" is neither a whole number nor a string");
    size_t length =
        json_dumpb(value, port, SL_NETGEAR_PORT_MAX - 1, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    if (length == 0 || length >= SL_NETGEAR_PORT_MAX)
        return refuse("\"port\" is too long");
    port[length] = '\0';
    return SL_OK;
}

/* What the head says about a JPEG, onto the frame that holds it. */
static int read_jpeg(const json_t *compression, sl_buffer *bytes, sl_frame **frame) {
    bool fast_dct = false, fast_upsample = false;
    sl_colorspace colorspace;
    const char *name = sl_json_string(compression, "colorspace");
    if (!name || read_flag(compression, "dct", &fast_dct) != SL_OK ||
        read_flag(compression, "ups", &fast_upsample) != SL_OK)
        return SL_EMESSAGE;
    if (sl_colorspace_parse(name, &colorspace) != SL_OK)
        return sl_fail(SL_EMESSAGE, "a message is not NetGear's: \"%.40s\" is no colour space",
                       name);
    int result = sl_frame_new_coded(frame, SL_FORMAT_JPEG, bytes);
    if (result != SL_OK)
        return result;
    (*frame)->fast_dct = fast_dct;
    (*frame)->fast_upsample = fast_upsample;
    (*frame)->colorspace = colorspace;
    return SL_OK;
}

static int read_array(const json_t *head, const sl_json_keys *keys, sl_buffer *bytes,
                      sl_frame **frame) {
    const char *dtype = sl_json_string(head, keys->dtype);
    const json_t *list = json_object_get(head, keys->shape);
    int64_t shape[SL_DIMENSIONS_MAX];
    if (!dtype)
        return SL_EMESSAGE;
    if (!json_is_array(list))
        return refuse(list ? "its shape is no list" : "its shape is missing");
    size_t dimensions = json_array_size(list);
    if (dimensions < 1 || dimensions > SL_DIMENSIONS_MAX)
        return sl_fail(SL_EMESSAGE,
                       "a message is not NetGear's: its shape has %zu dimensions, not 1 to %d",
                       dimensions, SL_DIMENSIONS_MAX);
    for (size_t i = 0; i < dimensions; i++) {
        const json_t *side = json_array_get(list, i);
        if (!json_is_integer(side) || json_integer_value(side) < 1)
            return refuse("its shape holds something other than positive whole numbers");
        shape[i] = json_integer_value(side);
    }
    return sl_frame_new_array_of(frame, dtype, (int)dimensions, shape, bytes);
}

int sl_json_message(const json_t *value, sl_frame *frame) {
    if (!value || json_is_null(value))
        return SL_OK;
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    if (!text)
        return sl_fail_memory();
    int result = sl_frame_put_message(frame, text);
    free(text);
    return result;
}

int sl_json_frame(const json_t *head, const sl_json_keys *keys, sl_buffer *bytes,
                  sl_frame **frame) {
    const json_t *compression = json_object_get(head, "compression");
    if (bytes->size == 0)
        return refuse("its frame is empty");
    if (json_is_object(compression))
        return read_jpeg(compression, bytes, frame);
    if (json_is_false(compression))
        return read_array(head, keys, bytes, frame);
    return refuse(compression ? "\"compression\" is neither false nor an object"
                              : "\"compression\" is missing");
}

static int read_frame(const json_t *head, sl_buffer *const *parts, size_t count, sl_frame **frame) {
    static const sl_json_keys keys = {.dtype = "dtype", .shape = "shape"};
    if (count != 2)
        return sl_fail(SL_EMESSAGE, "a message is not NetGear's: a frame has two parts, not %zu",
                       count);
    int result = sl_json_frame(head, &keys, parts[1], frame);
    return result == SL_OK ? sl_json_message(json_object_get(head, "message"), *frame) : result;
}

int sl_netgear_read(sl_buffer *const *parts, size_t count, sl_netgear_message *message) {
    *message = (sl_netgear_message){.pattern = -1};
    if (count < 1 || count > 2)
        return sl_fail(SL_EMESSAGE,
                       "a message is not NetGear's: it has %zu parts, where frames have two",
                       count);
    json_t *head = sl_json_head(parts[0]);
    if (!head)
        return SL_EMESSAGE;
    int result = read_pattern(head, &message->pattern);
    if (result == SL_OK)
        result = sl_json_port(head, message->port);
    if (result == SL_OK)
        result = read_flag(head, "terminate_flag", &message->end);
    if (result == SL_OK && !message->end)
        result = read_frame(head, parts, count, &message->frame);
    if (result == SL_OK && message->frame && message->port[0])
        result = sl_frame_set_port(message->frame, message->port);
    json_decref(head);
    if (result != SL_OK)
        sl_frame_unref(&message->frame);
    return result;
}
