/*
 * NetGear's messages, written. Called by the stream room; reading is in netgear_read.c.
 */
#include "wire/netgear.h"

#include "base/error.h"
#include "frame/frame.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

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

/* The frame's message as JSON, null when it has none; NULL when it is not JSON. */
static json_t *message_of(const sl_frame *coded) {
    if (!coded->message)
        return json_null();
    return json_loads(coded->message, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
}

static json_t *compression_of(const sl_frame *coded) {
    if (coded->format != SL_FORMAT_JPEG)
        return json_false();
    return json_pack("{s:b, s:b, s:s}", "dct", coded->fast_dct, "ups", coded->fast_upsample,
                     "colorspace", sl_colorspace_name(coded->colorspace));
}

static json_t *shape_of(const sl_frame *coded) {
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
                     compression_of(coded), "message", message, "pattern", number, "dtype",
                     coded->format == SL_FORMAT_JPEG ? "" : coded->dtype, "shape", shape_of(coded));
}

int sl_netgear_write_head(const sl_frame *coded, sl_pattern pattern, sl_buffer **head) {
    *head = NULL;
    if (coded->format != SL_FORMAT_JPEG && coded->dimensions == 0)
        return sl_fail(SL_EINVAL, "a frame of the format %s can't travel: code it first",
                       sl_format_name(coded->format));
    json_t *message = message_of(coded);
    if (!message)
        return sl_fail(SL_EINVAL, "a frame's message is not JSON: %.100s", coded->message);
    json_t *json = head_of(coded, pattern, message);
    char *text = json ? json_dumps(json, JSON_ENSURE_ASCII) : NULL;
    json_decref(json);
    if (text && strlen(text) > SL_NETGEAR_HEAD_MAX) {
        free(text);
        return sl_fail(SL_EINVAL, "a frame's message is longer than the %zu bytes that a head has",
                       SL_NETGEAR_HEAD_MAX);
    }
    return wrap_text(text, head);
}

int sl_netgear_write_end(sl_buffer **head) {
    *head = NULL;
    return wrap_text(strdup("{\"terminate_flag\": true}"), head);
}

int sl_netgear_write_reply(const char *device, sl_buffer **reply) {
    char text[64];
    *reply = NULL;
    snprintf(text, sizeof(text), "Data received on device: %s !", device);
    return wrap_text(strdup(text), reply);
}

void sl_netgear_device_name(char device[9]) {
    static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    uint8_t random[8] = {0};
    /* Without randomness the name is AAAAAAAA: nothing depends on it but a reader of logs. */
    ssize_t filled = getrandom(random, sizeof(random), GRND_NONBLOCK);
    (void)filled;
    for (int i = 0; i < 8; i++)
        device[i] = characters[random[i] % (sizeof(characters) - 1)];
    device[8] = '\0';
}
