/* The viewer end in a page: receives frames and says what they are.
 *
 *     viewer [PORT]
 *     sightline send 0 --pattern pair          the other end, with the library's default
 */
#include <inttypes.h>
#include <sightline/sightline.h>
#include <stdio.h>

static void print_frame(const sl_frame *frame) {
    printf("%s", frame->dtype);
    for (int i = 0; i < frame->dimensions; i++)
        printf("%s%" PRId64, i == 0 ? ", " : " x ", frame->shape[i]);
    printf(": %zu bytes, the first is %u\n", frame->size, frame->size ? frame->planes[0][0] : 0);
    fflush(stdout);
}

int main(int count, char **words) {
    sl_receiver_settings settings;
    sl_receiver *receiver = NULL;

    sl_receiver_settings_init(&settings);
    settings.link.address = "127.0.0.1";
    int code = SL_OK;
    if (count > 1)
        code = sl_settings_set(&settings, "port", words[1]);
    if (code == SL_OK)
        code = sl_receiver_open(&receiver, &settings);
    while (code == SL_OK) {
        sl_frame *frame = NULL;
        code = sl_receiver_recv(receiver, &frame, -1);
        if (code == SL_OK)
            print_frame(frame);
        sl_frame_unref(&frame);
    }
    if (code != SL_EEND)
        fprintf(stderr, "viewer: %s\n", sl_error());

    sl_receiver_close(&receiver);
    sl_settings_finish(&settings);
    return code != SL_EEND;
}
