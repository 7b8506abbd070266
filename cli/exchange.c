/* cli: what travels beside the pictures. */
#include "exchange.h"

#include <sightline/error.h>
#include <sightline/source.h>

static int check_value(const char *json) {
    sl_frame *carrier = NULL;
    int code = sl_frame_new(&carrier, SL_FORMAT_GRAY, 1, 1);
    if (code == SL_OK)
        code = sl_frame_set_message(carrier, json);
    sl_frame_unref(&carrier);
    return code;
}

int exchange_check(const struct options *options) {
    int code = check_value(options->message);
    return code < 0 ? code : check_value(options->returned);
}

int exchange_attach(sl_frame **frame, const struct options *options) {
    sl_frame *with = NULL;
    if (!options->message)
        return SL_OK;
    int code = sl_frame_with_message(&with, *frame, options->message);
    if (code < 0)
        return code;
    sl_frame_unref(frame);
    *frame = with;
    return SL_OK;
}

/* The first picture of a file. */
static int read_picture(sl_frame **picture, const char *path, const sl_codec_settings *codec,
                        sl_cancel *cancel) {
    sl_source_settings settings;
    sl_source *source = NULL;
    bool gray = codec->jpeg && codec->colorspace == SL_COLORSPACE_GRAY;
    sl_source_settings_init(&settings);
    settings.source = path;
    settings.deliver = gray ? SL_DELIVER_GRAY : SL_DELIVER_BGR;
    settings.cancel = cancel;
    int code = sl_source_open(&source, &settings);
    if (code == SL_OK)
        code = sl_source_read(source, picture, -1);
    sl_source_close(&source);
    sl_settings_finish(&settings);
    return code;
}

int exchange_return(sl_receiver *receiver, const struct options *options,
                    const sl_codec_settings *codec, sl_cancel *cancel) {
    sl_frame *picture = NULL;
    int code = SL_OK;
    if (options->returned_picture)
        code = read_picture(&picture, options->returned_picture, codec, cancel);
    if (code == SL_OK && (options->returned || picture))
        code = sl_receiver_return(receiver, options->returned, picture);
    sl_frame_unref(&picture);
    return code;
}
