/* codec: what libx264 is asked for in place of the bits that a frame may take. It keeps each frame
 * within its bits, and takes it for larger than it becomes: of 500 kbit/s it took a fifth for a
 * picture in which little moves, and left it coarse. So more is asked for as long as less is taken
 * and quality isn't at its best; and less at once when a frame has taken more. Arithmetic alone. */
#ifndef CODEC_BOOST_H
#define CODEC_BOOST_H

#include <stdbool.h>

typedef struct sl_boost {
    double times; /* what is asked for, of what a frame may take: from 1 to 3 */
    double share; /* of the latter that was taken on average */
} sl_boost;

void sl_boost_init(sl_boost *boost);

/* A frame took that share of its bits; `best`: it can't be made any better. */
void sl_boost_note(sl_boost *boost, double share, bool best);

#endif
