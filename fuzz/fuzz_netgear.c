/*
 * A peer's message. Parts are divided by the byte 0x1e, which JSON does not hold. What is read as
 * a frame is written again and must be read as the same.
 */
#include "frame/frame.h"
#include "fuzz.h"
#include "parts.h"
#include "wire/netgear.h"

#include <stdlib.h>
#include <string.h>

static void write_again(const sl_netgear_message *message, sl_buffer *payload) {
    sl_netgear_message again;
    sl_buffer *parts[2] = {NULL, payload};
    sl_pattern pattern = message->pattern < 0 ? SL_PATTERN_PAIR : (sl_pattern)message->pattern;
    if (sl_netgear_write_head(message->frame, pattern, message->frame->port, &parts[0]) != 0)
        abort();
    if (sl_netgear_read(parts, 2, &again) != 0 || again.end || again.pattern != (int)pattern ||
        again.frame->format != message->frame->format ||
        again.frame->dimensions != message->frame->dimensions ||
        strcmp(again.frame->dtype, message->frame->dtype) != 0 ||
        !again.frame->message != !message->frame->message || strcmp(again.port, message->port) != 0)
        abort();
    sl_frame_unref(&again.frame);
    sl_buffer_unref(&parts[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    sl_buffer *parts[PARTS_MAX] = {NULL};
    sl_netgear_message message;
    size_t count = split_parts(data, size, parts);
    if (sl_netgear_read(parts, count, &message) == 0 && message.frame)
        write_again(&message, parts[1]);
    sl_frame_unref(&message.frame);
    for (size_t i = 0; i < count; i++)
        sl_buffer_unref(&parts[i]);
    return 0;
}
