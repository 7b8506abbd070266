/*
 * Where coded video starts afresh, and whether H.264 lacks a frame. Called by the video kind, which
 * must not trust a peer's word for either, and by sources that hand video over.
 */
#include "frame/bitstream.h"

#include <string.h>

/* Bytes at the start of a NAL unit that hold all we read of it, also behind scaling lists. */
#define HEAD_MAX 1024

/* H.264, table A-1: macroblocks that the decoded pictures of level 5.2 may have together. It holds
 * five of 4096x2304. */
#define DECODED_BLOCKS_MAX 184320

/* Units of one frame: libavcodec keeps some kilobytes for each, however short it is. One of
 * 4096x2304 has 144 rows of macroblocks, and so many slices at most with any encoder we know. */
#define UNITS_MAX 1024

enum { H264_SLICE = 1, H264_IDR = 5, H264_SPS = 7, H264_PPS = 8 };
enum { HEVC_IDR_W_RADL = 19, HEVC_IDR_N_LP = 20, HEVC_VPS = 32, HEVC_SPS = 33, HEVC_PPS = 34 };
enum { AV1_SEQUENCE_HEADER = 1, AV1_FRAME_HEADER = 3, AV1_FRAME = 6 };

/* Bits, the most significant first; zeros behind the end. */
struct bits {
    const uint8_t *bytes;
    size_t size; /* bytes */
    size_t at;   /* bits */
};

static unsigned take(struct bits *bits, unsigned count) {
    unsigned value = 0;
    for (; count > 0; count--, bits->at++) {
        size_t byte = bits->at / 8;
        unsigned bit = byte < bits->size ? bits->bytes[byte] >> (7 - bits->at % 8) & 1U : 0;
        value = value << 1 | bit;
    }
    return value;
}

/* An Exp-Golomb number, ue(v); the largest for one that can't be read. */
static unsigned take_golomb(struct bits *bits) {
    unsigned zeros = 0;
    while (zeros < 32 && bits->at < bits->size * 8 && take(bits, 1) == 0)
        zeros++;
    return zeros < 31 ? (1U << zeros) - 1 + take(bits, zeros) : UINT32_MAX;
}

/* The NAL unit behind the next start code, and where to look for the one after it. */
static bool next_unit(const uint8_t *bytes, size_t size, size_t *at, struct bits *unit) {
    size_t i = *at;
    while (i + 3 < size && (bytes[i] != 0 || bytes[i + 1] != 0 || bytes[i + 2] != 1)) {
        /* A byte above 1 is part of no start code. */
        i += bytes[i + 2] > 1 ? 3 : 1;
    }
    if (i + 3 >= size)
        return false;
    *at = i + 3;
    *unit = (struct bits){.bytes = bytes + i + 3, .size = size - i - 3};
    return true;
}

/* The head of a NAL unit without the bytes that keep start codes out of it. */
static struct bits unescape(const struct bits *unit, uint8_t head[HEAD_MAX]) {
    size_t used = 0;
    unsigned zeros = 0;
    for (size_t i = 0; i < unit->size && used < HEAD_MAX; i++) {
        uint8_t byte = unit->bytes[i];
        bool escape = zeros >= 2 && byte == 3;
        zeros = byte == 0 ? zeros + 1 : 0;
        if (!escape)
            head[used++] = byte;
    }
    return (struct bits){.bytes = head, .size = used, .at = 8};
}

static bool has_chroma_format(unsigned profile) {
    static const uint8_t profiles[] = {100, 110, 122, 244, 44,  83, 86,
                                       118, 128, 138, 139, 134, 135};
    return memchr(profiles, (int)profile, sizeof(profiles)) != NULL;
}

static void skip_scaling_list(struct bits *bits, unsigned count) {
    unsigned last = 8, next = 8;
    for (unsigned i = 0; i < count && next != 0; i++) {
        unsigned code = take_golomb(bits); /* of a signed number: 1, -1, 2, -2, … */
        next = (last + (code & 1 ? code / 2 + 1 : 0 - code / 2)) & 0xffU;
        last = next ? next : last;
    }
}

static void skip_scaling_lists(struct bits *bits) {
    for (unsigned i = 0; i < 8; i++)
        if (take(bits, 1))
            skip_scaling_list(bits, i < 6 ? 16 : 64);
}

/* How pictures are ordered by a table: its flag, two offsets, and those of a cycle. */
static void skip_order_table(struct bits *bits) {
    take(bits, 1);
    take_golomb(bits);
    take_golomb(bits);
    unsigned cycle = take_golomb(bits);
    for (unsigned i = 0; i < cycle && i < 255; i++)
        take_golomb(bits);
}

/* Reads a sequence parameter set (H.264, 7.3.2.1.1). False for one that wants too much memory, or
 * does not end in time to tell. */
static bool read_sps(sl_bitstream *stream, struct bits *bits) {
    unsigned profile = take(bits, 8);
    stream->counter_bits = 0;
    take(bits, 16); /* constraints, level */
    take_golomb(bits);
    if (has_chroma_format(profile)) {
        /* What has other pixels than 4:2:0 the decoder judges. */
        if (take_golomb(bits) != 1)
            return true;
        take_golomb(bits);
        take_golomb(bits);
        take(bits, 1);
        if (take(bits, 1))
            skip_scaling_lists(bits);
    }
    unsigned counter_bits = take_golomb(bits) + 4;
    unsigned order = take_golomb(bits);
    if (order == 0)
        take_golomb(bits);
    else if (order == 1)
        skip_order_table(bits);
    uint64_t references = take_golomb(bits);
    bool gaps = take(bits, 1);
    uint64_t across = (uint64_t)take_golomb(bits) + 1, down = (uint64_t)take_golomb(bits) + 1;
    bool progressive = take(bits, 1);
    if (references > 16 || across > 4096 || down > 4096 ||
        references * across * down * (progressive ? 1 : 2) > DECODED_BLOCKS_MAX)
        return false;
    stream->counter_bits = gaps || counter_bits > 16 ? 0 : counter_bits;
    return true;
}

/* Whether a slice's frame_num is the last one's or the one after it. */
static bool counts_on(sl_bitstream *stream, struct bits *bits, bool idr, bool needed) {
    if (idr)
        stream->counter = 0;
    if (idr || stream->counter_bits == 0)
        return true;
    take_golomb(bits); /* first macroblock */
    take_golomb(bits); /* type */
    take_golomb(bits); /* picture parameter set */
    unsigned counter = take(bits, stream->counter_bits);
    unsigned step = (counter - stream->counter) & ((1U << stream->counter_bits) - 1);
    if (needed && step <= 1)
        stream->counter = counter;
    return step <= 1;
}

static sl_bitstream_state look_h264(sl_bitstream *stream, const uint8_t *bytes, size_t size) {
    uint8_t head[HEAD_MAX];
    struct bits unit;
    bool sps = false, pps = false, idr = false, whole = true;
    unsigned units = 0;
    for (size_t at = 0; next_unit(bytes, size, &at, &unit);) {
        if (++units > UNITS_MAX)
            return SL_BITSTREAM_LARGE;
        unsigned type = unit.bytes[0] & 0x1fU;
        struct bits bits = unescape(&unit, head);
        if (type == H264_SPS && !read_sps(stream, &bits))
            return SL_BITSTREAM_LARGE;
        sps = sps || type == H264_SPS;
        pps = pps || type == H264_PPS;
        idr = idr || type == H264_IDR;
        if (type == H264_SLICE || type == H264_IDR)
            whole = counts_on(stream, &bits, type == H264_IDR, unit.bytes[0] & 0x60U) && whole;
    }
    if (sps && pps && idr)
        return SL_BITSTREAM_AFRESH;
    return whole ? SL_BITSTREAM_FOLLOWS : SL_BITSTREAM_GAP;
}

static sl_bitstream_state look_hevc(const uint8_t *bytes, size_t size) {
    struct bits unit;
    bool vps = false, sps = false, pps = false, idr = false;
    unsigned units = 0;
    for (size_t at = 0; next_unit(bytes, size, &at, &unit);) {
        if (++units > UNITS_MAX)
            return SL_BITSTREAM_LARGE;
        unsigned type = unit.bytes[0] >> 1 & 0x3fU;
        vps = vps || type == HEVC_VPS;
        sps = sps || type == HEVC_SPS;
        pps = pps || type == HEVC_PPS;
        idr = idr || type == HEVC_IDR_W_RADL || type == HEVC_IDR_N_LP;
    }
    return vps && sps && pps && idr ? SL_BITSTREAM_AFRESH : SL_BITSTREAM_FOLLOWS;
}

/* The next OBU (AV1, 5.3); false at the end, and where its size is not told or makes no sense. */
static bool next_obu(const uint8_t *bytes, size_t size, size_t *at, unsigned *type,
                     struct bits *payload) {
    if (*at >= size || !(bytes[*at] & 2))
        return false;
    *type = bytes[*at] >> 3 & 0xfU;
    size_t i = *at + (bytes[*at] & 4 ? 2 : 1), length = 0;
    for (unsigned shift = 0; shift < 35; shift += 7, i++) {
        if (i >= size)
            return false;
        length |= (size_t)(bytes[i] & 0x7f) << shift;
        if (!(bytes[i] & 0x80))
            break;
    }
    if (i >= size || length > size - i - 1)
        return false;
    *payload = (struct bits){.bytes = bytes + i + 1, .size = length};
    *at = i + 1 + length;
    return true;
}

static sl_bitstream_state look_av1(const uint8_t *bytes, size_t size) {
    struct bits obu;
    unsigned type, units = 0;
    bool sequence = false, first = true, afresh = false;
    for (size_t at = 0; next_obu(bytes, size, &at, &type, &obu);) {
        if (++units > UNITS_MAX)
            return SL_BITSTREAM_LARGE;
        sequence = sequence || (type == AV1_SEQUENCE_HEADER && first);
        if (first && (type == AV1_FRAME_HEADER || type == AV1_FRAME)) {
            /* show_existing_frame 0, frame_type KEY_FRAME, show_frame 1 */
            afresh = sequence && take(&obu, 4) == 1;
            first = false;
        }
    }
    return afresh ? SL_BITSTREAM_AFRESH : SL_BITSTREAM_FOLLOWS;
}

sl_bitstream_state sl_bitstream_look(sl_bitstream *stream, sl_format format, const uint8_t *bytes,
                                     size_t size) {
    switch (format) {
    case SL_FORMAT_H264:
        return look_h264(stream, bytes, size);
    case SL_FORMAT_HEVC:
        return look_hevc(bytes, size);
    case SL_FORMAT_AV1:
        return look_av1(bytes, size);
    default:
        return SL_BITSTREAM_FOLLOWS;
    }
}
