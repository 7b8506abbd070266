/* source: pictures of an input, decoded. */
#include "source/decoder.h"
#include "base/error.h"
#include "base/thread.h"
#include "source/libav.h"

#include <stdlib.h>

#define THREADS_MOST 4

struct sl_decoder {
    sl_input *input;
    sl_source_shared *shared;
    AVCodecContext *codec;
    AVPacket *packet;
    bool draining; /* the decoder got its last packet */
};

static void configure(AVCodecContext *codec, const sl_input *input) {
    int threads = sl_thread_processors();
    codec->pkt_timebase = input->stream->time_base;
    codec->thread_count = threads < THREADS_MOST ? threads : THREADS_MOST;
    codec->thread_type = FF_THREAD_SLICE;
    /* Threads that each decode a frame of their own hold as many frames back. */
    if (input->settings.low_delay || input->settings.device)
        codec->flags |= AV_CODEC_FLAG_LOW_DELAY;
    else
        codec->thread_type |= FF_THREAD_FRAME;
}

int sl_decoder_open(sl_decoder **decoder, sl_input *input, sl_source_shared *shared) {
    char reason[256];
    sl_decoder *made = calloc(1, sizeof(*made));
    *decoder = made;
    if (!made)
        return sl_fail_memory();
    made->input = input;
    made->shared = shared;
    made->packet = av_packet_alloc();
    made->codec = avcodec_alloc_context3(input->codec);
    sl_libav_forget();
    int error = made->packet && made->codec ? 0 : AVERROR(ENOMEM);
    if (error >= 0)
        error = avcodec_parameters_to_context(made->codec, input->stream->codecpar);
    if (error >= 0) {
        sigset_t before;
        configure(made->codec, input);
        sl_libav_block_signals(&before);
        error = avcodec_open2(made->codec, input->codec, NULL);
        sl_libav_restore_signals(&before);
    }
    if (error >= 0)
        return SL_OK;
    sl_decoder_close(decoder);
    if (error == AVERROR(ENOMEM))
        return sl_fail_memory();
    return sl_fail(SL_ESOURCE, "%s can't be decoded: %s", input->name,
                   sl_libav_reason(error, reason, sizeof(reason)));
}

int sl_decoder_send(sl_decoder *decoder, AVPacket *packet, int64_t captured_us) {
    decoder->codec->reordered_opaque = captured_us;
    int error = avcodec_send_packet(decoder->codec, packet);
    av_packet_unref(packet);
    if (error == AVERROR(ENOMEM))
        return sl_fail_memory();
    if (error < 0)
        atomic_fetch_add(&decoder->shared->corrupt, 1);
    return SL_OK;
}

/* Gives the decoder its next packet, or the word that there is none. */
static int feed(sl_decoder *decoder) {
    int64_t captured_us;
    int code = sl_input_read(decoder->input, decoder->packet, &captured_us);
    if (code >= 0)
        return sl_decoder_send(decoder, decoder->packet, captured_us);
    if (code != SL_EEND)
        return code;
    decoder->draining = true;
    avcodec_send_packet(decoder->codec, NULL);
    return SL_OK;
}

int sl_decoder_read(sl_decoder *decoder, AVFrame *picture) {
    for (;;) {
        int error = avcodec_receive_frame(decoder->codec, picture);
        if (error >= 0)
            return SL_OK;
        if (error == AVERROR_EOF || (error == AVERROR(EAGAIN) && decoder->draining))
            return SL_EEND;
        if (error == AVERROR(ENOMEM))
            return sl_fail_memory();
        if (error != AVERROR(EAGAIN))
            atomic_fetch_add(&decoder->shared->corrupt, 1);
        int code = error == AVERROR(EAGAIN) ? feed(decoder) : SL_OK;
        if (code < 0)
            return code;
    }
}

void sl_decoder_close(sl_decoder **decoder) {
    sl_decoder *closed = *decoder;
    if (!closed)
        return;
    *decoder = NULL;
    avcodec_free_context(&closed->codec);
    av_packet_free(&closed->packet);
    free(closed);
}
