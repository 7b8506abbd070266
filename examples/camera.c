/* The camera end in a page: sends a source to a viewer, newest frame first.
 *
 *     camera [SOURCE [PORT [SSH]]]        camera 0 5555 user@viewer.example
 *     sightline view --pattern pair       the other end, with the library's default
 */
#include <sightline/sightline.h>
#include <stdio.h>

static int send_all(sl_source *source, sl_sender *sender) {
    int code = SL_OK;
    while (code == SL_OK) {
        sl_frame *frame = NULL;
        code = sl_source_read(source, &frame, -1);
        if (code == SL_OK)
            code = sl_sender_send(sender, frame, -1);
        sl_frame_unref(&frame);
    }
    return code == SL_EEND ? sl_sender_flush(sender, -1) : code;
}

int main(int count, char **words) {
    sl_source_settings source_settings;
    sl_sender_settings sender_settings;
    sl_source *source = NULL;
    sl_sender *sender = NULL;

    sl_source_settings_init(&source_settings);
    sl_sender_settings_init(&sender_settings);
    source_settings.source = count > 1 ? words[1] : "0";
    int code = SL_OK;
    if (count > 2)
        code = sl_settings_set(&sender_settings, "port", words[2]);
    if (count > 3)
        sender_settings.tunnel.destination = words[3];

    if (code == SL_OK)
        code = sl_source_open(&source, &source_settings);
    if (code == SL_OK)
        code = sl_sender_open(&sender, &sender_settings);
    if (code == SL_OK)
        printf("sending %s\n", sl_source_describe(source));
    if (code == SL_OK)
        code = send_all(source, sender);
    if (code < 0)
        fprintf(stderr, "camera: %s\n", sl_error());

    sl_sender_close(&sender);
    sl_source_close(&source);
    sl_settings_finish(&sender_settings);
    return code < 0;
}
