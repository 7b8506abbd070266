/* stream: whether a picture has come to rest. See stillness.h. */
#include "stream/stillness.h"

#include "base/clock.h"
#include "frame/frame.h"

#include <stddef.h>
#include <string.h>

#define SIGN_US      SL_SECOND_US       /* from one frame of a picture at rest to the next */
#define IMPROVE_US   (2 * SL_SECOND_US) /* for a picture to become better in */
#define SAMPLED_ROWS 16                 /* one of so many */
#define ROW_BYTES    1024               /* of what has no rows */

/* Multiplying carries differences up, the shift down again. The prime is FNV's for 64 bits. */
static uint64_t mix(uint64_t digest, uint64_t word) {
    digest = (digest ^ word) * 0x100000001b3U;
    return digest ^ digest >> 29;
}

static uint64_t digest_row(uint64_t digest, const uint8_t *row, size_t size) {
    uint64_t word = 0;
    for (; size >= sizeof word; row += sizeof word, size -= sizeof word) {
        memcpy(&word, row, sizeof word);
        digest = mix(digest, word);
    }
    word = size;
    memcpy(&word, row, size);
    return mix(digest, word);
}

/* One row of each `step`, of all planes; arrays and coded bytes are cut into rows. Never 0. */
static uint64_t digest_frame(const sl_frame *frame, int step) {
    uint64_t digest = mix((uint64_t)frame->format + 1, frame->size);
    digest = mix(digest, (uint64_t)frame->width << 32 | (uint64_t)frame->height);
    if (frame->dimensions > 0 || sl_format_is_coded(frame->format)) {
        size_t stride = (size_t)step * ROW_BYTES;
        for (size_t at = 0; at < frame->size; at += stride) {
            size_t left = frame->size - at;
            digest = digest_row(digest, frame->planes[0] + at, left < ROW_BYTES ? left : ROW_BYTES);
        }
        return digest | 1;
    }
    for (int plane = 0; plane < sl_format_planes(frame->format); plane++) {
        size_t width = (size_t)sl_plane_width(frame->format, plane, frame->width);
        int height = sl_plane_height(frame->format, plane, frame->height);
        for (int y = 0; y < height; y += step)
            digest =
                digest_row(digest, frame->planes[plane] + (size_t)y * frame->strides[plane], width);
    }
    return digest | 1;
}

/* Of a picture that was just seen for the first time only the sample is known, so that the second
 * one counts as another, and the third is the first to be the same. */
static void look(sl_stillness *stillness, const sl_frame *frame) {
    stillness->offered_sample = digest_frame(frame, SAMPLED_ROWS);
    stillness->offered_whole = 0;
    if (stillness->passed_us != 0 && stillness->offered_sample == stillness->sample)
        stillness->offered_whole = digest_frame(frame, 1);
    stillness->same = stillness->offered_whole != 0 && stillness->offered_whole == stillness->whole;
}

bool sl_stillness_skips(sl_stillness *stillness, const sl_frame *frame, bool best, bool awaited,
                        int64_t now_us) {
    if (sl_format_is_video(frame->format)) {
        *stillness = (sl_stillness){0};
        return false;
    }
    look(stillness, frame);
    bool rests = best || now_us - stillness->since_us > IMPROVE_US;
    return stillness->same && rests && !awaited && now_us - stillness->passed_us < SIGN_US;
}

void sl_stillness_passed(sl_stillness *stillness, int64_t now_us) {
    if (!stillness->same)
        stillness->since_us = now_us;
    stillness->sample = stillness->offered_sample;
    stillness->whole = stillness->offered_whole;
    stillness->passed_us = now_us;
}
