/* frame: what can be told of coded video without decoding it. Nothing beyond `size` is read,
 * whatever the bytes claim. */
#ifndef FRAME_BITSTREAM_H
#define FRAME_BITSTREAM_H

#include <sightline/frame.h>

/* What is remembered of an H.264 stream to see whether a frame is missing. Zeroed to begin with. */
typedef struct sl_bitstream {
    unsigned counter_bits; /* of frame_num; 0: not known, or gaps in it are nothing wrong */
    unsigned counter;      /* frame_num of the last picture that others may need */
} sl_bitstream;

typedef enum sl_bitstream_state {
    SL_BITSTREAM_FOLLOWS, /* needs the frames before it, which are there as far as one can tell */
    SL_BITSTREAM_AFRESH,  /* can be decoded alone, and so can what follows */
    SL_BITSTREAM_GAP,     /* H.264: a frame before it is missing */
    SL_BITSTREAM_LARGE,   /* has thousands of units; or H.264: wants more memory than level 5.2
                             allows */
} sl_bitstream_state;

/* Looks through one coded frame. Only an IDR picture with its parameter sets (H.264, HEVC), or a
 * shown key frame with its sequence header (AV1), starts afresh. HEVC and AV1 have no counter that
 * would show a gap. */
sl_bitstream_state sl_bitstream_look(sl_bitstream *stream, sl_format format, const uint8_t *bytes,
                                     size_t size);

#endif
