/* A camera that encrypts what it sends, to the one viewer whose certificate it has, and that this
 * viewer knows by its own (secure_mode 2).
 *
 *     secure                  makes the camera's certificate, and prints what the viewer keeps as
 *                             ~/.vidgear/keys/public_keys/client.key
 *     secure PORT [SOURCE]    sends; ~/.vidgear/keys/public_keys/server.key is the viewer's
 *     sightline view --port PORT --pattern pair --secure-mode 2
 */
#include <sightline/sightline.h>
#include <stdio.h>

static int make_certificate(void) {
    char certificate[SL_KEY_EXPORT_MAX];
    int code = sl_keys_make(NULL, SL_KEY_OF_SENDER, false);
    if (code == SL_OK)
        code = sl_keys_export(NULL, SL_KEY_OF_SENDER, certificate);
    if (code == SL_OK)
        fputs(certificate, stdout);
    return code;
}

static int send_all(sl_source *source, sl_sender *sender) {
    sl_frame *frame = NULL;
    int code;
    while ((code = sl_source_read(source, &frame, -1)) == SL_OK) {
        code = sl_sender_send(sender, frame, -1);
        sl_frame_unref(&frame);
        if (code < 0)
            return code;
    }
    return code == SL_EEND ? sl_sender_flush(sender, -1) : code;
}

static int send_secured(const char *port, const char *shown) {
    sl_source_settings source_settings;
    sl_sender_settings settings;
    sl_source *source = NULL;
    sl_sender *sender = NULL;
    sl_source_settings_init(&source_settings);
    sl_sender_settings_init(&settings);
    source_settings.source = shown;
    settings.link.secure_mode = 2;
    int code = sl_settings_set(&settings, "port", port);
    if (code == SL_OK)
        code = sl_source_open(&source, &source_settings);
    if (code == SL_OK && (code = sl_sender_open(&sender, &settings)) == SL_OK)
        code = send_all(source, sender);
    sl_sender_close(&sender);
    sl_source_close(&source);
    sl_settings_finish(&settings);
    return code;
}

int main(int count, char **words) {
    int code = count > 1 ? send_secured(words[1], count > 2 ? words[2] : "0") : make_certificate();
    if (code < 0)
        fprintf(stderr, "secure: %s\n", sl_error());
    return code < 0;
}
