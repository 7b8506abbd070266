/* sink/web: making JPEGs. A thread of its own, so that neither who shows pictures nor any browser
 * waits for it; of a camera's pictures that came meanwhile it takes the newest. */
#include "sink/web/press.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/thread.h"
#include "sink/encoder.h"

#include <libavutil/log.h>
#include <stdlib.h>
#include <string.h>

#define QUANTISER 4 /* hardly to be told from the best, in half the bytes */

struct sl_web_press {
    sl_web_hub *hub;
    sl_thread thread;
    sl_encoder encoder;
    AVFrame *image;
    sl_refused refused;
};

static int code(sl_web_press *press, const sl_frame *picture, sl_web_piece *piece) {
    if (!sl_image_of(picture, press->image))
        return sl_fail(SL_EUNSUPPORTED, "it is no picture that a browser could show");
    *piece = (sl_web_piece){
        .kind = SL_WEB_JPEG,
        .keyframe = true,
        .width = press->image->width,
        .height = press->image->height,
        .captured_us = picture->captured_utc_us,
        .sequence = picture->sequence,
    };
    int result = sl_encoder_encode(&press->encoder, AV_CODEC_ID_MJPEG, press->image);
    if (result < 0)
        return result;
    result = sl_buffer_new(&piece->bytes, (size_t)press->encoder.packet->size);
    if (result < 0)
        return result;
    memcpy(piece->bytes->data, press->encoder.packet->data, piece->bytes->size);
    piece->came_us = sl_now_us();
    return SL_OK;
}

static void run(void *argument) {
    sl_web_press *press = argument;
    sl_web_channel *channel;
    sl_frame *picture;
    sl_thread_compute();
    while (sl_web_hub_order(press->hub, &picture, &channel)) {
        sl_web_piece piece;
        bool coded = code(press, picture, &piece) == SL_OK;
        if (!coded)
            sl_refused_frame(&press->refused, picture, sl_error());
        sl_frame_unref(&picture);
        sl_web_hub_deliver(press->hub, channel, coded ? &piece : NULL);
    }
}

int sl_web_press_open(sl_web_press **press, sl_web_hub *hub) {
    *press = NULL;
    sl_web_press *opened = calloc(1, sizeof(*opened));
    if (!opened || !(opened->image = av_frame_alloc())) {
        free(opened);
        return sl_fail_memory();
    }
    av_log_set_level(AV_LOG_QUIET); /* libav would print; what matters our sentences say */
    opened->hub = hub;
    opened->encoder.quantiser = QUANTISER;
    *press = opened;
    int result = sl_thread_start(&opened->thread, "sl-web-jpeg", run, opened);
    if (result < 0)
        sl_web_press_close(press);
    return result;
}

void sl_web_press_close(sl_web_press **press) {
    sl_web_press *closing = *press;
    if (!closing)
        return;
    sl_thread_join(&closing->thread);
    sl_encoder_finish(&closing->encoder);
    av_frame_free(&closing->image);
    free(closing);
    *press = NULL;
}
