/* stream: a worker's decoders, one for each sender of video. */
#include "stream/decoders.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/settings.h"
#include "base/text.h"
#include "codec/upscaler.h"
#include "stream/cameras.h"

#include <stdlib.h>
#include <string.h>

#define IDLE_US (60 * SL_SECOND_US) /* then what it keeps of former pictures is of no more use */

struct decoder {
    char port[sizeof((sl_camera *)0)->port]; /* whose; "": of all that is no video */
    sl_codec *codec;                         /* NULL: the place is free */
    sl_upscaler *upscaler;                   /* NULL: nothing was to be scaled back yet */
    int64_t used_us;                         /* monotonic */
};

struct sl_decoders {
    const sl_codec_settings *settings;
    bool full_size;
    struct decoder all[SL_CAMERAS_MAX + 1];
};

static void empty(struct decoder *decoder) {
    sl_codec_close(&decoder->codec);
    sl_upscaler_close(&decoder->upscaler);
}

void sl_decoders_close(sl_decoders **decoders) {
    sl_decoders *closing = *decoders;
    if (!closing)
        return;
    *decoders = NULL;
    for (size_t i = 0; i < SL_COUNT(closing->all); i++)
        empty(&closing->all[i]);
    free(closing);
}

int sl_decoders_open(sl_decoders **decoders, const sl_codec_settings *settings, bool full_size) {
    *decoders = calloc(1, sizeof **decoders);
    if (!*decoders)
        return sl_fail_memory();
    (*decoders)->settings = settings;
    (*decoders)->full_size = full_size;
    (*decoders)->all[0].used_us = sl_now_us();
    int result = sl_codec_open(&(*decoders)->all[0].codec, settings);
    if (result)
        sl_decoders_close(decoders);
    return result;
}

static const char *owner(const sl_frame *coded) {
    return coded->format > SL_FORMAT_JPEG && coded->port ? coded->port : "";
}

/* Its own, or the place for one. */
static struct decoder *find(sl_decoders *decoders, const char *port) {
    struct decoder *oldest = &decoders->all[0];
    for (size_t i = 0; i < SL_COUNT(decoders->all); i++) {
        struct decoder *decoder = &decoders->all[i];
        if (decoder->codec && strcmp(decoder->port, port) == 0)
            return decoder;
        if (decoder->used_us < oldest->used_us)
            oldest = decoder;
    }
    empty(oldest);
    sl_text_copy(oldest->port, port, sizeof oldest->port);
    return oldest;
}

size_t sl_decoders_close_idle(sl_decoders *decoders, int64_t now_us) {
    size_t left = 0;
    for (size_t i = 0; i < SL_COUNT(decoders->all); i++) {
        struct decoder *decoder = &decoders->all[i];
        if (now_us - decoder->used_us >= IDLE_US)
            empty(decoder);
        left += decoder->codec != NULL;
    }
    return left;
}

static int restore_size(struct decoder *decoder, const sl_frame *coded, sl_frame **frame) {
    int result = decoder->upscaler ? SL_OK : sl_upscaler_open(&decoder->upscaler);
    if (!result)
        result = sl_upscaler_restore(decoder->upscaler, coded, frame);
    if (result)
        sl_frame_unref(frame);
    return result;
}

int sl_decoders_decode(sl_decoders *decoders, const sl_frame *coded, sl_output output,
                       sl_frame **frame) {
    const int64_t now_us = sl_now_us();
    sl_decoders_close_idle(decoders, now_us);
    struct decoder *decoder = find(decoders, owner(coded));
    int result = decoder->codec ? SL_OK : sl_codec_open(&decoder->codec, decoders->settings);
    *frame = NULL;
    if (result)
        return result;
    decoder->used_us = now_us;
    result = sl_codec_decode(decoder->codec, coded, output, frame);
    if (!result && coded->full_width > 0 && decoders->full_size)
        result = restore_size(decoder, coded, frame);
    return result;
}
