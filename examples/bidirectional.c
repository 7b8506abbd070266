/* Both ways in a page: a camera end, a viewer end, and what they say beside the pictures.
 *
 *     bidirectional [PORT]
 */
#include <sightline/sightline.h>
#include <stdio.h>

/* The camera end: sends a picture with a message, and prints what the viewer answers. */
static int send_one(sl_sender *sender, sl_source *source) {
    sl_frame *frame = NULL, *with = NULL, *answer = NULL;
    int code = sl_source_read(source, &frame, -1);
    if (code == SL_OK)
        code = sl_frame_with_message(&with, frame, "{\"pan\": 0, \"tilt\": 0}");
    if (code == SL_OK)
        code = sl_sender_send(sender, with, -1);
    if (code == SL_OK)
        code = sl_sender_flush(sender, -1); /* until the reply is there */
    if (code == SL_OK && sl_sender_returned(sender, &answer) == SL_OK && answer->message)
        printf("the viewer says %s\n", answer->message);
    sl_frame_unref(&answer);
    sl_frame_unref(&with);
    sl_frame_unref(&frame);
    return code;
}

int main(int count, char **words) {
    sl_receiver_settings viewer;
    sl_sender_settings camera;
    sl_source_settings pictures;
    sl_receiver *receiver = NULL;
    sl_sender *sender = NULL;
    sl_source *source = NULL;
    sl_frame *frame = NULL;

    sl_receiver_settings_init(&viewer);
    sl_sender_settings_init(&camera);
    sl_source_settings_init(&pictures);
    viewer.link.bidirectional_mode = camera.link.bidirectional_mode = true;
    pictures.source = "pattern:320x240@10";
    int code = SL_OK;
    if (count > 1 && (code = sl_settings_set(&viewer, "port", words[1])) == SL_OK)
        code = sl_settings_set(&camera, "port", words[1]);
    if (code == SL_OK)
        code = sl_receiver_open(&receiver, &viewer);
    if (code == SL_OK) /* goes with every reply, until there is something else to say */
        code = sl_receiver_return(receiver, "{\"pan\": 3, \"tilt\": -1}", NULL);
    if (code == SL_OK)
        code = sl_source_open(&source, &pictures);
    if (code == SL_OK)
        code = sl_sender_open(&sender, &camera);
    if (code == SL_OK)
        code = send_one(sender, source);
    if (code == SL_OK && (code = sl_receiver_recv(receiver, &frame, -1)) == SL_OK)
        printf("the camera says %s\n", frame->message);
    if (code < 0)
        fprintf(stderr, "bidirectional: %s\n", sl_error());

    sl_frame_unref(&frame);
    sl_sender_close(&sender);
    sl_source_close(&source);
    sl_receiver_close(&receiver);
    return code < 0;
}
