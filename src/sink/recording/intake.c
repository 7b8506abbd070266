/* sink/recording: what recordings store of the frames that come. Used by record.c and tape.c. */
#include "sink/recording/intake.h"
#include "base/error.h"
#include "frame/frame.h"

#include <limits.h>
#include <string.h>

/* A picture's or an array's pixels as a JPEG. */
static int code_pixels(sl_intake *intake, const sl_frame *frame, sl_frame **coded) {
    sl_buffer *bytes;
    if (!intake->image && !(intake->image = av_frame_alloc()))
        return sl_fail_memory();
    if (!sl_image_of(frame, intake->image))
        return sl_fail(SL_EUNSUPPORTED, "it is no picture");
    int code = sl_encoder_encode(&intake->encoder, AV_CODEC_ID_MJPEG, intake->image);
    if (code < 0)
        return code;
    const AVPacket *packet = intake->encoder.packet;
    code = sl_buffer_new(&bytes, (size_t)packet->size);
    if (code < 0)
        return code;
    memcpy(bytes->data, packet->data, bytes->size);
    code = sl_frame_new_coded(coded, SL_FORMAT_JPEG, bytes);
    sl_buffer_unref(&bytes);
    if (code == SL_OK)
        code = sl_frame_copy_properties(*coded, frame);
    if (code < 0)
        sl_frame_unref(coded);
    return code;
}

static int look(sl_intake *intake, const sl_frame *frame, bool *afresh) {
    sl_bitstream_state state =
        sl_bitstream_look(&intake->stream, frame->format, frame->planes[0], frame->size);
    *afresh = state == SL_BITSTREAM_AFRESH;
    if (frame->format != intake->format || state == SL_BITSTREAM_LARGE)
        intake->whole = false;
    if (state == SL_BITSTREAM_LARGE)
        return sl_fail(SL_EUNSUPPORTED, "it wants more memory than level 5.2 allows");
    intake->whole = *afresh || (intake->whole && state != SL_BITSTREAM_GAP);
    return intake->whole ? SL_OK : sl_fail(SL_EAGAIN, "a frame that it needs is missing");
}

int sl_intake_take(sl_intake *intake, const sl_frame *frame, sl_frame **coded, bool *afresh) {
    int code = SL_OK;
    *coded = NULL;
    *afresh = true;
    if (sl_format_is_coded(frame->format) && (frame->size == 0 || frame->size > INT_MAX / 2))
        return sl_fail(SL_EUNSUPPORTED, "no frame has that size");
    if (!sl_format_is_coded(frame->format))
        code = code_pixels(intake, frame, coded);
    else if (sl_format_is_video(frame->format))
        code = look(intake, frame, afresh);
    if (code < 0)
        return code;
    intake->format = frame->format;
    if (!*coded)
        *coded = sl_frame_ref(frame);
    return SL_OK;
}

void sl_intake_break(sl_intake *intake) {
    intake->whole = false;
}

void sl_intake_finish(sl_intake *intake) {
    av_frame_free(&intake->image);
    sl_encoder_finish(&intake->encoder);
}
