/* Sends arrays of a program's own, as they are: no camera, no JPEG.
 *
 *     array [PORT]
 */
#include <sightline/sightline.h>
#include <stdio.h>

#define ROWS    120
#define COLUMNS 160
#define ARRAYS  10

/* A depth image, say: 32-bit floats. The sender keeps a reference while it needs the bytes. */
static int send_depth(sl_sender *sender, int number) {
    sl_frame *frame;
    int code = sl_frame_new_array(&frame, "float32", 2, (int64_t[]){ROWS, COLUMNS});
    if (code < 0)
        return code;
    float *depth = (float *)(void *)frame->planes[0];
    for (int i = 0; i < ROWS * COLUMNS; i++)
        depth[i] = (float)(number * i);
    code = sl_sender_send(sender, frame, -1);
    sl_frame_unref(&frame);
    return code;
}

int main(int count, char **words) {
    sl_sender_settings settings;
    sl_sender *sender = NULL;

    sl_sender_settings_init(&settings);
    settings.codec.jpeg = false;
    int code = SL_OK;
    if (count > 1)
        code = sl_settings_set(&settings, "port", words[1]);
    if (code == SL_OK)
        code = sl_sender_open(&sender, &settings);
    for (int i = 0; i < ARRAYS && code == SL_OK; i++)
        code = send_depth(sender, i);
    if (code == SL_OK)
        code = sl_sender_flush(sender, -1);
    if (code < 0)
        fprintf(stderr, "array: %s\n", sl_error());

    sl_sender_close(&sender);
    sl_settings_finish(&settings);
    return code < 0;
}
