/* stream: the encoder of one lane in the live pattern. See coder.h. */
#include "stream/coder.h"

#include "base/error.h"
#include "frame/frame.h"

void sl_coder_init(sl_coder *coder, const sl_codec_settings *settings, sl_steering *steering,
                   size_t lane, int threads) {
    *coder =
        (sl_coder){.settings = settings, .steering = steering, .lane = lane, .threads = threads};
    pthread_mutex_init(&coder->lock, NULL);
}

void sl_coder_finish(sl_coder *coder) {
    sl_codec_close(&coder->codec);
    pthread_mutex_destroy(&coder->lock);
}

int sl_coder_open(sl_coder *coder) {
    return coder->codec ? SL_OK : sl_codec_open(&coder->codec, coder->settings);
}

/* Whether a camera's own video is to be coded anew. */
static bool recodes(sl_coder *coder, const sl_frame *frame, const sl_governor_aim *aim,
                    bool keyframe) {
    return sl_frame_follows(frame) && !(coder->settings->video_copy &&
                                        sl_passing_decide(&coder->passing, frame, aim, keyframe));
}

/* Where the destinations want it now. */
static int aim(sl_coder *coder, const sl_frame *frame) {
    sl_governor_aim wanted;
    bool keyframe;
    if (!sl_steering_take(coder->steering, coder->lane, &wanted, &keyframe))
        return SL_OK;
    sl_codec_aim at = {
        .format =
            sl_steering_format(coder->steering, coder->lane, sl_codec_live_format(coder->settings)),
        .bit_rate = wanted.bit_rate,
        .fps = wanted.fps,
        .scale = wanted.scale,
        .quality = coder->settings->quality,
        .keyframe = keyframe,
        .recode = recodes(coder, frame, &wanted, keyframe),
        .threads = coder->threads,
    };
    return sl_codec_aim_at(coder->codec, &at);
}

static void report(sl_coder *coder, const sl_frame *coded) {
    sl_codec_report last = sl_codec_last(coder->codec);
    sl_coding coding = {
        .quantiser = last.quantiser,
        .quality = last.quality,
        .best = last.best,
        .copied = last.copied,
        .width = last.width,
        .height = last.height,
        .bytes = coded->size,
        .encoder = last.encoder,
    };
    sl_steering_report(coder->steering, coder->lane, &coding);
}

/* Locked. */
static void close_idle(sl_coder *coder) {
    if (coder->lane > 0 && sl_steering_idle(coder->steering, coder->lane))
        sl_codec_close(&coder->codec);
}

int sl_coder_code(sl_coder *coder, const sl_frame *frame, sl_frame **coded) {
    pthread_mutex_lock(&coder->lock);
    int result = sl_coder_open(coder);
    if (!result)
        result = aim(coder, frame);
    if (!result)
        result = sl_codec_encode(coder->codec, frame, coded);
    if (!result)
        report(coder, *coded);
    pthread_mutex_unlock(&coder->lock);
    sl_coder_rest(coder); /* the last one may have left meanwhile */
    return result;
}

/* Whoever has the lock sees to it afterwards. */
void sl_coder_rest(sl_coder *coder) {
    atomic_store(&coder->rests, true);
    while (atomic_load(&coder->rests) && pthread_mutex_trylock(&coder->lock) == 0) {
        atomic_store(&coder->rests, false);
        close_idle(coder);
        pthread_mutex_unlock(&coder->lock);
    }
}
