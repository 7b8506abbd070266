/* stream: what the newest reply to a sender brought. */
#include "stream/returned.h"

#include "base/error.h"
#include "codec/codec.h"

void sl_returned_init(sl_returned *returned) {
    returned->newest = NULL;
    pthread_mutex_init(&returned->lock, NULL);
}

static sl_frame *exchange(sl_returned *returned, sl_frame *data) {
    pthread_mutex_lock(&returned->lock);
    sl_frame *before = returned->newest;
    returned->newest = data;
    pthread_mutex_unlock(&returned->lock);
    return before;
}

void sl_returned_put(sl_returned *returned, sl_frame *data) {
    sl_frame *before = exchange(returned, data);
    sl_frame_unref(&before);
}

int sl_returned_take(sl_returned *returned, const sl_codec_settings *settings, sl_frame **data) {
    sl_codec *codec = NULL;
    sl_frame *newest = exchange(returned, NULL);
    *data = NULL;
    if (!newest)
        return SL_EAGAIN;
    if (newest->format != SL_FORMAT_JPEG) {
        *data = newest;
        return SL_OK;
    }
    int result = sl_codec_open(&codec, settings);
    if (!result)
        result = sl_codec_decode(codec, newest, SL_OUTPUT_ARRAY, data);
    sl_codec_close(&codec);
    sl_frame_unref(&newest);
    return result;
}

void sl_returned_finish(sl_returned *returned) {
    sl_frame_unref(&returned->newest);
    pthread_mutex_destroy(&returned->lock);
}
