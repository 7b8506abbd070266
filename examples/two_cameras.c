/* Two cameras, one viewer: says of each frame whose it is, until both have ended.
 *
 *     two_cameras                                    listens on 5566 and 5567
 *     sightline send 0 --port 5566 --pattern pubsub -o multiserver_mode=true
 *     sightline send 1 --port 5567 --pattern pubsub -o multiserver_mode=true
 */
#include <sightline/sightline.h>
#include <stdio.h>

/* The frames of both come in here; a port tells them apart. */
static int show_all(sl_receiver *receiver) {
    sl_frame *frame = NULL;
    int code;
    while ((code = sl_receiver_recv(receiver, &frame, -1)) == SL_OK) {
        printf("camera %s: %dx%d\n", frame->port ? frame->port : "unknown", frame->width,
               frame->height);
        fflush(stdout);
        sl_frame_unref(&frame);
    }
    return code == SL_EEND ? SL_OK : code;
}

int main(int count, char **words) {
    sl_receiver_settings settings;
    sl_receiver *receiver = NULL;
    sl_receiver_settings_init(&settings);
    settings.link.pattern = SL_PATTERN_PUBSUB;
    settings.link.multiserver_mode = true;
    settings.link.ports = count > 1 ? words[1] : "5566,5567";

    int code = sl_receiver_open(&receiver, &settings);
    if (code == SL_OK)
        code = show_all(receiver);
    if (code < 0)
        fprintf(stderr, "two_cameras: %s\n", sl_error());
    sl_receiver_close(&receiver);
    return code < 0;
}
