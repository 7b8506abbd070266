/* codec: which quality makes JPEGs of the size that is asked for. See quality.h. */
#include "codec/quality.h"

#include <math.h>
#include <stdbool.h>

/* Bytes go with the factor to the power of minus so much. Measured with libjpeg-turbo on OpenCV's
 * vtest.avi: 0.65 about quality 30, 0.5 about 85, 0.45 about 90. A power that is too large makes
 * for slower steps, one that is twice too small would never settle. */
#define POWER 0.6

/* Bytes a pixel at quality 50, of the same footage; for the first frame. */
#define USUAL_DENSITY 0.1

/* Of what is asked for: a frame in between is near enough. */
#define NEAR_BELOW 0.9
#define NEAR_ABOVE 1.05

/* The mean of Annex K's table for brightness, as the field's steps go by powers: geometric. */
#define MEAN_DIVISOR 45.3

/* What libjpeg multiplies its tables by, in percent (jpeg_quality_scaling()). */
static double factor_of(int quality) {
    return quality < 50 ? 5000.0 / quality : fmax(200.0 - 2.0 * quality, 1);
}

static int quality_of(double factor) {
    return (int)lround(factor > 100 ? 5000 / factor : (200 - factor) / 2);
}

static int within(int quality, int least, int best) {
    return quality > best ? best : quality < least ? least : quality;
}

int sl_quality_next(const sl_quality_seen *seen, int64_t pixels, int64_t bytes, int least,
                    int best) {
    bool known = seen->bytes > 0;
    double density = known ? (double)seen->bytes / (double)seen->pixels : USUAL_DENSITY;
    double excess = density * (double)pixels / (double)bytes;
    double factor = known ? factor_of(seen->quality) : factor_of(50);
    if (known && excess >= NEAR_BELOW && excess <= NEAR_ABOVE)
        return within(seen->quality, least, best);
    double power = known && excess < 1 ? POWER * 2 : POWER;
    factor = fmin(factor * pow(excess, 1 / power), 5000);
    return within(quality_of(factor), least, best);
}

int sl_quality_quantiser(int quality) {
    /* H.264's step is 1 at 4, and doubles every 6 (8.5.9). */
    double step = fmax(MEAN_DIVISOR * factor_of(quality) / 100, 1);
    return within((int)lround(4 + 6 * log2(step)), 0, 51);
}
