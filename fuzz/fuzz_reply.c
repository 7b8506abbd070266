/*
 * A receiver's reply in bidirectional mode. Parts are divided by the byte 0x1e, which JSON does not
 * hold. What is read as a value is written again and must be read as the same.
 */
#include "frame/frame.h"
#include "fuzz.h"
#include "parts.h"
#include "wire/netgear.h"
#include <sightline/error.h>

#include <stdlib.h>
#include <string.h>

static void write_again(const sl_frame *returned) {
    sl_frame *again;
    sl_buffer *reply;
    int result = sl_netgear_write_data(returned->port, returned->message, &reply);
    if (result == SL_EINVAL) /* what was written in fewer bytes may be too long now */
        return;
    if (result != 0 || sl_netgear_read_reply(&reply, 1, &again) != 0 || !again)
        abort();
    if (!returned->message != !again->message ||
        (again->message && strcmp(again->message, returned->message) != 0) ||
        !returned->port != !again->port)
        abort();
    sl_frame_unref(&again);
    sl_buffer_unref(&reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    sl_buffer *parts[PARTS_MAX] = {NULL};
    sl_frame *returned;
    size_t count = split_parts(data, size, parts);
    if (sl_netgear_read_reply(parts, count, &returned) == 0 && returned &&
        returned->format == SL_FORMAT_NONE)
        write_again(returned);
    sl_frame_unref(&returned);
    for (size_t i = 0; i < count; i++)
        sl_buffer_unref(&parts[i]);
    return 0;
}
