/*
 * One encoder of libavcodec, open for one size: a frame in, its bytes out. Called by the video
 * kind.
 */
#include "codec/video.h"

#include "base/error.h"
#include "frame/bitstream.h"
#include "frame/frame.h"

#include <libavutil/hwcontext.h>
#include <libavutil/opt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Encoders are told this rate, whatever it is, and get the bits for each frame by it: they count
 * in frames, and would need a keyframe for another rate. */
#define NOMINAL_FPS 30

/* What a frame may take at once of what the rate allows, in mean frames: the large ones are the old
 * ones. Measured with libx264 at 720p30 in links of 4 Mbit/s and of 500 kbit/s, of which it was to
 * fill 73 %: with 1.1 it used 64 and 68 %, with 1.2 66 and 59, with 1.4 73 and 70, and with 2 73
 * and 77; the 95th percentile of ages was 36, 37, 39 and 39 ms in the fast link, and 34, 32, 38 and
 * 40 in the slow one. */
#define BUFFER_FRAMES 1.4

/* The first frame has nothing to build on. So much, too, for encoders that we have not measured. */
#define FIRST_FRAMES 2

/* As good as for ever; some drivers take no more than 16 bits. */
#define KEYFRAME_INTERVAL 65535

/* Pixels for which libx264 gets a thread: it takes 6 ms for so many. Each slice has its share of
 * the bits, whether it needs them or not: at 720p30 and 1 to 3 Mbit/s two threads cost 0.2 to 0.7
 * dB, and four 1.1 to 2.6. */
#define SLICE_PIXELS 1048576

#define PROBE_FRAMES   4
#define QUANTISER_MOST 63

/* Hardware works beside us, and libavcodec tells of no event when it is done. */
#define PATIENCE_MS 100

/* Where another rate costs a keyframe it is only changed when the frame that is wanted leaves this
 * range about the one that the encoder was told. */
#define STALE_BELOW 0.8
#define STALE_ABOVE 1.5

struct sl_video_encoder {
    const sl_video_maker *maker;
    sl_video_plan plan;
    AVCodecContext *context;
    AVPacket *packet;
    int64_t count;
    int quantiser;
};

static int refuse(const sl_video_maker *maker, int error) {
    char reason[AV_ERROR_MAX_STRING_SIZE];
    if (error == AVERROR(ENOMEM))
        return sl_fail_memory();
    av_strerror(error, reason, sizeof(reason));
    return sl_fail(SL_EUNSUPPORTED, "%s doesn't work here: %s", maker->name, reason);
}

static void set_rate(sl_video_encoder *encoder) {
    AVCodecContext *context = encoder->context;
    bool smooth = encoder->maker->steering == SL_STEERING_SMOOTH;
    double frames = smooth && encoder->count > 0 ? BUFFER_FRAMES : FIRST_FRAMES;
    context->bit_rate = encoder->plan.frame_bits * NOMINAL_FPS;
    context->rc_max_rate = context->bit_rate;
    context->rc_buffer_size = (int)((double)encoder->plan.frame_bits * frames);
}

/* Memory of the device, that pictures are brought to. */
static int open_device(AVCodecContext *context, enum AVHWDeviceType type) {
    AVBufferRef *device = NULL;
    int error = av_hwdevice_ctx_create(&device, type, NULL, NULL, 0);
    if (error < 0)
        return error;
    context->hw_frames_ctx = av_hwframe_ctx_alloc(device);
    av_buffer_unref(&device);
    if (!context->hw_frames_ctx)
        return AVERROR(ENOMEM);
    AVHWFramesContext *frames = (AVHWFramesContext *)context->hw_frames_ctx->data;
    frames->format = AV_PIX_FMT_VAAPI;
    frames->sw_format = AV_PIX_FMT_NV12;
    frames->width = context->width;
    frames->height = context->height;
    context->pix_fmt = frames->format;
    return av_hwframe_ctx_init(context->hw_frames_ctx);
}

/* How many threads share in a frame. */
static int count_threads(const sl_video_maker *maker, const sl_video_plan *plan) {
    int most = sl_video_threads(plan->threads);
    int useful = 1 + (plan->width * plan->height - 1) / SLICE_PIXELS;
    bool few = maker->slices && plan->threads == 0 && useful < most;
    return few ? useful : most;
}

static int open_context(sl_video_encoder *encoder) {
    const sl_video_maker *maker = encoder->maker;
    AVDictionary *options = NULL;
    AVCodecContext *context = encoder->context;
    context->width = encoder->plan.width;
    context->height = encoder->plan.height;
    context->pix_fmt = AV_PIX_FMT_YUV420P;
    context->color_range = maker->limited ? AVCOL_RANGE_MPEG : AVCOL_RANGE_JPEG;
    context->colorspace = AVCOL_SPC_BT470BG;
    context->time_base = (AVRational){1, NOMINAL_FPS};
    context->framerate = (AVRational){NOMINAL_FPS, 1};
    context->gop_size = KEYFRAME_INTERVAL;
    context->max_b_frames = 0;
    context->thread_count = count_threads(maker, &encoder->plan);
    context->thread_type = FF_THREAD_SLICE;
    set_rate(encoder);
    if (maker->steering == SL_STEERING_NONE)
        context->rc_min_rate = context->bit_rate;
    int error = maker->device ? open_device(context, maker->device) : 0;
    if (error >= 0)
        error = av_dict_parse_string(&options, maker->options, "=", ";", 0);
    if (error >= 0 && maker->presets)
        error = av_dict_set(&options, "preset", sl_video_presets[encoder->plan.preset], 0);
    if (error >= 0 && maker->quality)
        error = av_dict_set_int(&options, maker->quality, encoder->plan.quantiser, 0);
    if (error >= 0)
        error = sl_video_open_context(context, &options);
    av_dict_free(&options);
    return error;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): libav says what it is like. */
static void release_frame(void *opaque, uint8_t *data) {
    sl_frame *frame = opaque;
    (void)data;
    sl_frame_unref(&frame);
}

/* The picture as libav has them, its pixels shared; NULL without memory. */
static AVFrame *wrap(const sl_video_maker *maker, const sl_frame *picture) {
    AVFrame *wrapped = av_frame_alloc();
    if (!wrapped)
        return NULL;
    sl_frame *kept = sl_frame_ref(picture);
    wrapped->buf[0] = av_buffer_create(picture->planes[0], picture->size, release_frame, kept,
                                       AV_BUFFER_FLAG_READONLY);
    if (!wrapped->buf[0]) {
        sl_frame_unref(&kept);
        av_frame_free(&wrapped);
        return NULL;
    }
    wrapped->format = AV_PIX_FMT_YUV420P;
    wrapped->width = picture->width;
    wrapped->height = picture->height;
    wrapped->color_range = maker->limited ? AVCOL_RANGE_MPEG : AVCOL_RANGE_JPEG;
    wrapped->colorspace = AVCOL_SPC_BT470BG;
    for (int plane = 0; plane < SL_PLANES_MAX; plane++) {
        wrapped->data[plane] = picture->planes[plane];
        wrapped->linesize[plane] = (int)picture->strides[plane];
    }
    return wrapped;
}

/* Brings the picture to the encoder's device. */
static int upload(sl_video_encoder *encoder, AVFrame **picture) {
    AVFrame *there = av_frame_alloc();
    int error =
        there ? av_hwframe_get_buffer(encoder->context->hw_frames_ctx, there, 0) : AVERROR(ENOMEM);
    if (error >= 0)
        error = av_hwframe_transfer_data(there, *picture, 0);
    if (error >= 0)
        error = av_frame_copy_props(there, *picture);
    if (error < 0) {
        av_frame_free(&there);
        return error;
    }
    av_frame_free(picture);
    *picture = there;
    return 0;
}

/* Waits for what hardware makes; what only computes has its packet ready. */
static int receive(sl_video_encoder *encoder) {
    static const struct timespec millisecond = {.tv_nsec = 1000000};
    int patience_ms = encoder->maker->hardware ? PATIENCE_MS : 0;
    int error = avcodec_receive_packet(encoder->context, encoder->packet);
    for (; error == AVERROR(EAGAIN) && patience_ms > 0; patience_ms--) {
        nanosleep(&millisecond, NULL);
        error = avcodec_receive_packet(encoder->context, encoder->packet);
    }
    return error;
}

/* From a picture to encoder->packet. */
static int run(sl_video_encoder *encoder, const sl_frame *picture, bool keyframe) {
    AVFrame *wrapped = wrap(encoder->maker, picture);
    if (!wrapped)
        return sl_fail_memory();
    wrapped->pts = encoder->count++;
    wrapped->pict_type = keyframe ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    int error = encoder->maker->device ? upload(encoder, &wrapped) : 0;
    if (error >= 0)
        error = avcodec_send_frame(encoder->context, wrapped);
    if (error >= 0)
        error = receive(encoder);
    av_frame_free(&wrapped);
    if (error == AVERROR(EAGAIN))
        return sl_fail(SL_EUNSUPPORTED, "%s holds frames back", encoder->maker->name);
    return error < 0 ? refuse(encoder->maker, error) : SL_OK;
}

static int read_quantiser(const AVPacket *packet) {
    size_t size;
    int32_t quality;
    const uint8_t *stats = av_packet_get_side_data(packet, AV_PKT_DATA_QUALITY_STATS, &size);
    if (!stats || size < sizeof(quality))
        return -1;
    memcpy(&quality, stats, sizeof(quality)); /* the first of the fields, times FF_QP2LAMBDA */
    int quantiser = quality / FF_QP2LAMBDA;   /* libx264's goes beyond what it can use */
    return quality <= 0 ? -1 : quantiser < QUANTISER_MOST ? quantiser : QUANTISER_MOST;
}

static bool begins_afresh(const sl_video_encoder *encoder) {
    sl_bitstream stream = {0};
    return sl_bitstream_look(&stream, encoder->maker->format, encoder->packet->data,
                             (size_t)encoder->packet->size) == SL_BITSTREAM_AFRESH;
}

/* Whether hardware does what is asked of it: keyframes that say all, and nothing held back. */
static int probe(sl_video_encoder *encoder) {
    sl_frame *gray = NULL;
    const sl_video_plan *plan = &encoder->plan;
    int result = sl_frame_new(&gray, SL_FORMAT_I420, plan->width, plan->height);
    if (result == SL_OK)
        memset(gray->planes[0], 128, gray->size);
    for (int i = 0; result == SL_OK && i < PROBE_FRAMES; i++) {
        result = run(encoder, gray, i == PROBE_FRAMES - 1);
        if (result == SL_OK && i == PROBE_FRAMES - 1 && !begins_afresh(encoder))
            result = sl_fail(SL_EUNSUPPORTED, "%s makes no keyframe that stands alone when asked",
                             encoder->maker->name);
        av_packet_unref(encoder->packet);
    }
    sl_frame_unref(&gray);
    return result;
}

int sl_video_encoder_open(sl_video_encoder **encoder, const sl_video_maker *maker, bool known,
                          const sl_video_plan *plan) {
    *encoder = NULL;
    const AVCodec *codec = avcodec_find_encoder_by_name(maker->name);
    if (!codec)
        return sl_fail(SL_EUNSUPPORTED, "this build of libavcodec has no %s", maker->name);
    sl_video_encoder *made = calloc(1, sizeof(*made));
    if (!made)
        return sl_fail_memory();
    *made = (sl_video_encoder){.maker = maker, .plan = *plan, .quantiser = -1};
    made->packet = av_packet_alloc();
    made->context = avcodec_alloc_context3(codec);
    int error = made->packet && made->context ? open_context(made) : AVERROR(ENOMEM);
    int result = error < 0 ? refuse(maker, error) : SL_OK;
    if (result == SL_OK && maker->hardware && !known)
        result = probe(made);
    if (result == SL_OK)
        *encoder = made;
    else
        sl_video_encoder_close(&made);
    return result;
}

bool sl_video_encoder_steer(sl_video_encoder *encoder, const sl_video_plan *plan) {
    if (plan->width != encoder->plan.width || plan->height != encoder->plan.height ||
        (encoder->maker->presets && plan->preset != encoder->plan.preset))
        return false;
    double change = (double)plan->frame_bits / (double)encoder->plan.frame_bits;
    bool stale = change < STALE_BELOW || change > STALE_ABOVE;
    if (encoder->maker->steering != SL_STEERING_SMOOTH && !stale)
        return true;
    if (encoder->maker->steering == SL_STEERING_NONE)
        return false;
    if (encoder->maker->quality && plan->quantiser != encoder->plan.quantiser)
        av_opt_set_int(encoder->context->priv_data, encoder->maker->quality, plan->quantiser, 0);
    encoder->plan.frame_bits = plan->frame_bits;
    encoder->plan.quantiser = plan->quantiser;
    set_rate(encoder);
    return true;
}

static void release_packet(void *opaque, void *data) {
    AVPacket *packet = opaque;
    (void)data;
    av_packet_free(&packet);
}

/* The packet as a coded frame, its bytes not copied. */
static int wrap_packet(sl_video_encoder *encoder, sl_frame **coded) {
    sl_buffer *bytes;
    AVPacket *kept = av_packet_alloc();
    if (!kept)
        return sl_fail_memory();
    av_packet_move_ref(kept, encoder->packet);
    int result = sl_buffer_wrap(&bytes, kept->data, (size_t)kept->size, release_packet, kept);
    if (result != SL_OK) {
        av_packet_free(&kept);
        return result;
    }
    result = sl_frame_new_coded(coded, encoder->maker->format, bytes);
    sl_buffer_unref(&bytes);
    return result;
}

int sl_video_encoder_encode(sl_video_encoder *encoder, const sl_frame *picture, bool keyframe,
                            sl_frame **coded) {
    int result = run(encoder, picture, keyframe);
    if (result != SL_OK)
        return result;
    set_rate(encoder);
    encoder->quantiser = read_quantiser(encoder->packet);
    bool afresh = begins_afresh(encoder);
    result = wrap_packet(encoder, coded);
    av_packet_unref(encoder->packet);
    if (result != SL_OK)
        return result;
    (*coded)->width = picture->width;
    (*coded)->height = picture->height;
    (*coded)->keyframe = afresh;
    return SL_OK;
}

int sl_video_encoder_quantiser(const sl_video_encoder *encoder) {
    return encoder->quantiser;
}

void sl_video_encoder_close(sl_video_encoder **encoder) {
    sl_video_encoder *closed = *encoder;
    if (!closed)
        return;
    *encoder = NULL;
    avcodec_free_context(&closed->context);
    av_packet_free(&closed->packet);
    free(closed);
}
