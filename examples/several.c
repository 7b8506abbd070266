/* One camera, several viewers: 300 frames, coded once, and what each of them got.
 *
 *     several SOURCE DESTINATIONS      several 0 'viewer:5555; localhost,ssh=me@far.example'
 */
#include <sightline/sightline.h>
#include <stdio.h>

#define FRAMES 300

static int send_some(sl_source *source, sl_sender *sender) {
    int code = sl_sender_wait(sender, -1);
    for (int i = 0; i < FRAMES && code == SL_OK; i++) {
        sl_frame *frame = NULL;
        if ((code = sl_source_read(source, &frame, -1)) == SL_OK)
            code = sl_sender_send(sender, frame, -1);
        sl_frame_unref(&frame);
    }
    if (code == SL_OK || code == SL_EEND)
        code = sl_sender_flush(sender, -1);
    sl_sender_finish(sender);
    return code;
}

static void print_each(const sl_sender *sender) {
    for (size_t i = 0; i < sl_sender_destinations(sender); i++) {
        sl_destination one;
        sl_sender_destination(sender, i, &one);
        printf("%s: %llu frames, %llu dropped%s%s\n", one.name,
               (unsigned long long)one.stats.frames, (unsigned long long)one.stats.dropped,
               one.failure ? "; " : "", one.reason);
    }
}

int main(int count, char **words) {
    sl_source_settings from;
    sl_sender_settings to;
    sl_source *source = NULL;
    sl_sender *sender = NULL;
    sl_source_settings_init(&from);
    sl_sender_settings_init(&to);
    from.source = count > 1 ? words[1] : "0";
    to.destinations = count > 2 ? words[2] : "localhost:5555; localhost:5556";

    int code = sl_source_open(&source, &from);
    if (code == SL_OK)
        code = sl_sender_open(&sender, &to);
    if (code == SL_OK)
        code = send_some(source, sender);
    if (code < 0)
        fprintf(stderr, "several: %s\n", sl_error());
    if (sender)
        print_each(sender);
    sl_sender_close(&sender);
    sl_source_close(&source);
    return code < 0;
}
