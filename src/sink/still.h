/* sink: single pictures in files, whole or not at all. */
#ifndef SINK_STILL_H
#define SINK_STILL_H

#include <libavcodec/avcodec.h>
#include <libavutil/frame.h>
#include <stddef.h>
#include <stdint.h>

/* Writes `image` to `path` as AV_CODEC_ID_PNG, or as AV_CODEC_ID_MJPEG in its best quality.
 * Whoever reads `path` sees the former file or the new one, never a part. SL_ESINK with the
 * reason; SL_EUNSUPPORTED when the picture itself can't be coded; SL_EAGAIN when there is no free
 * descriptor for it just now. */
int sl_still_write(const char *path, enum AVCodecID codec, AVFrame *image);

/* The same with bytes that are a picture file already. */
int sl_still_write_bytes(const char *path, const uint8_t *bytes, size_t size);

/* SL_ESINK with a sentence when `path` can't be written. Leaves nothing behind. */
int sl_still_check(const char *path);

#endif
