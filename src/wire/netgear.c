/*
 * NetGear's messages, written. Called by the stream room; reading is in netgear_read.c, replies
 * that carry something back are in netgear_reply.c.
 */
#include "wire/netgear.h"

#include "base/error.h"
#include "base/random.h"
#include "frame/frame.h"
#include "wire/json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void release_text(void *opaque, void *text) {
    (void)opaque;
    free(text);
}

/* `text` in a buffer that owns it; freed on failure. */
static int wrap_text(char *text, sl_buffer **buffer) {
    if (!text)
        return sl_fail_memory();
    int result = sl_buffer_wrap(buffer, text, strlen(text), release_text, NULL);
    if (result != SL_OK)
        free(text);
    return result;
}

size_t sl_json_count_lists(const char *text, size_t size) {
    size_t count = 0;
    bool quoted = false;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"')
            quoted = !quoted;
        else if (quoted && text[i] == '\\')
            i++;
        else if (!quoted && (text[i] == '[' || text[i] == '{'))
            count++;
    }
    return count;
}

json_t *sl_json_parse(const char *text) {
    json_error_t error;
    size_t lists = sl_json_count_lists(text, strlen(text));
    if (lists > SL_NETGEAR_JSON_LISTS_MAX) {
        sl_fail(SL_EINVAL,
                "a JSON value with %zu lists and objects can't travel, %zu can; send many numbers "
                "as an array",
                lists, SL_NETGEAR_JSON_LISTS_MAX);
        return NULL;
    }
    json_t *json = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (!json)
        sl_fail(SL_EINVAL, "\"%.60s\" is not JSON: %s; texts need double quotes", text, error.text);
    return json;
}

int sl_netgear_check_json(const char *text) {
    json_t *json = sl_json_parse(text);
    if (!json)
        return SL_EINVAL;
    size_t size = json_dumpb(json, NULL, 0, JSON_ENCODE_ANY);
    json_decref(json);
    if (size > SL_NETGEAR_JSON_MAX)
        return sl_fail(SL_EINVAL, "a JSON value of %zu bytes is too long; %zu can travel", size,
                       SL_NETGEAR_JSON_MAX);
    return SL_OK;
}

json_t *sl_json_compression(const sl_frame *coded) {
    if (coded->format != SL_FORMAT_JPEG)
        return json_false();
    return json_pack("{s:b, s:b, s:s}", "dct", coded->fast_dct, "ups", coded->fast_upsample,
                     "colorspace", sl_colorspace_name(coded->colorspace));
}

json_t *sl_json_shape(const sl_frame *coded) {
    if (coded->format == SL_FORMAT_JPEG)
        return json_string("");
    json_t *shape = json_array();
    for (int i = 0; i < coded->dimensions; i++) {
        if (json_array_append_new(shape, json_integer(coded->shape[i])) != 0) {
            json_decref(shape);
            return NULL;
        }
    }
    return shape;
}

/* The head, in NetGear's order of keys; NULL when out of memory. Takes over `message`. */
static json_t *head_of(const sl_frame *coded, sl_pattern pattern, json_t *message) {
    char number[12];
    snprintf(number, sizeof(number), "%d", (int)pattern);
    /* json_pack() takes the new references over, and fails when one of them is NULL. */
    return json_pack("{s:b, s:o, s:o, s:s, s:s, s:o}", "terminate_flag", 0, "compression",
                     sl_json_compression(coded), "message", message, "pattern", number, "dtype",
                     coded->format == SL_FORMAT_JPEG ? "" : coded->dtype, "shape",
                     sl_json_shape(coded));
}

static json_t *port_of(const char *text) {
    return json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
}

json_t *sl_json_with_port(const char *port, json_t *rest) {
    if (!port || !rest)
        return rest;
    json_t *whole = json_pack("{s:o}", "port", port_of(port));
    if (whole && json_object_update(whole, rest) != 0) {
        json_decref(whole);
        whole = NULL;
    }
    json_decref(rest);
    return whole;
}

int sl_json_write(json_t *json, sl_buffer **message) {
    char *text = json ? json_dumps(json, 0) : NULL;
    json_decref(json);
    if (text && strlen(text) > SL_NETGEAR_HEAD_MAX) {
        free(text);
        return sl_fail(SL_EINVAL, "a message is longer than the %zu bytes that a head has",
                       SL_NETGEAR_HEAD_MAX);
    }
    return wrap_text(text, message);
}

int sl_netgear_write_head(const sl_frame *coded, sl_pattern pattern, const char *port,
                          sl_buffer **head) {
    *head = NULL;
    if (coded->format != SL_FORMAT_JPEG && coded->dimensions == 0)
        return sl_fail(SL_EINVAL, "a frame of the format %s can't travel: code it first",
                       sl_format_name(coded->format));
    json_t *message = coded->message ? sl_json_parse(coded->message) : json_null();
    return message ? sl_json_write(sl_json_with_port(port, head_of(coded, pattern, message)), head)
                   : SL_EINVAL;
}

int sl_netgear_write_end(const char *port, sl_buffer **head) {
    *head = NULL;
    return sl_json_write(sl_json_with_port(port, json_pack("{s:b}", "terminate_flag", 1)), head);
}

int sl_netgear_write_reply(const char *device, sl_buffer **reply) {
    char text[64];
    *reply = NULL;
    snprintf(text, sizeof(text), "Data received on device: %s !", device);
    return wrap_text(strdup(text), reply);
}

bool sl_netgear_is_port(const char *text) {
    json_t *port = port_of(text);
    bool fits =
        (json_is_integer(port) || json_is_string(port)) && strlen(text) < SL_NETGEAR_PORT_MAX;
    json_decref(port);
    return fits;
}

void sl_netgear_device_name(char device[9]) {
    static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    uint8_t random[8];
    sl_random(random, sizeof(random));
    for (int i = 0; i < 8; i++)
        device[i] = characters[random[i] % (sizeof(characters) - 1)];
    device[8] = '\0';
}
