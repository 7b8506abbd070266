/* codec: which quality makes JPEGs of the size that is asked for. Arithmetic alone; used by the
 * JPEG kind.
 *
 * libjpeg divides by the tables of the JPEG standard (T.81, Annex K), times a factor that comes of
 * the quality; over the range that is of use a picture's bytes go with a power of that factor. So
 * the last frame, with its quality, tells the quality of the next. */
#ifndef CODEC_QUALITY_H
#define CODEC_QUALITY_H

#include <stdint.h>

/* The last frame that was coded. Zeros: none was. */
typedef struct sl_quality_seen {
    int quality;    /* 1 to 100 */
    int64_t pixels; /* of it, */
    int64_t bytes;  /* and what it became; 0: nothing is known */
} sl_quality_seen;

/* The quality, from `least` to `best`, with which a picture of so many pixels should become about
 * so many bytes. Never better for fewer bytes, nor for a larger last frame. It gets worse at once,
 * better by half of what is missing, and stays while what it makes is near enough. */
int sl_quality_next(const sl_quality_seen *seen, int64_t pixels, int64_t bytes, int least,
                    int best);

/* The quantiser of H.264, from 0 to 51, whose step is the mean of what this quality divides by. */
int sl_quality_quantiser(int quality);

#endif
