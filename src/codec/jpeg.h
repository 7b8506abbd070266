/* codec: what the two halves of the JPEG kind share. Both belong to one codec, so to one thread. */
#ifndef CODEC_JPEG_H
#define CODEC_JPEG_H

#include "codec/codec.h"
#include "codec/pixels.h"
#include "codec/quality.h"
#include "frame/pool.h"

typedef struct sl_jpeg {
    sl_codec_settings settings;
    void *compressor, *decompressor; /* tjhandle, made when first needed */
    sl_pool *coded;                  /* for what is encoded here */
    sl_pool *pixels;                 /* for what is decoded here */
    int64_t frame_bytes;             /* that are aimed at; 0: nothing is, */
    double scale;                    /* and of what size pictures are to be */
    sl_quality_seen seen;            /* the last one, for the next one's quality */
    sl_pixels scaling;               /* makes it smaller */
    sl_codec_report report;
} sl_jpeg;

int sl_jpeg_encode(void *state, const sl_frame *frame, sl_frame **coded);
int sl_jpeg_decode(void *state, const sl_frame *coded, sl_output output, sl_frame **frame);
int sl_jpeg_check(void *state, const sl_frame *coded);

/* TurboJPEG's name of a colour space. */
int sl_jpeg_pixel_format(sl_colorspace colorspace);

#endif
