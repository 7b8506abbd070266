/* source: from a picture as libav decoded it to a frame as we promise it: full-range BT.601 planes,
 * gray or BGR. */
#ifndef SOURCE_CONVERT_H
#define SOURCE_CONVERT_H

#include "source/graph.h"
#include <sightline/source.h>

#define SL_CONVERSION_MAX 256

/* Which filters turn such a picture into what should be delivered, at that size (0x0: its own):
 * "" when it already is. Chroma keeps its subsampling; RGB becomes 4:2:2. */
void sl_conversion_plan(char *description, size_t size, const sl_graph_input *picture,
                        sl_deliver deliver, sl_size wanted);

typedef struct sl_converter sl_converter;

/* `copy` makes frames that share nothing with the picture they came from. */
int sl_converter_open(sl_converter **converter, sl_deliver deliver, sl_size wanted, bool copy);

/* Makes a frame of `picture`, whose contents it takes, without copying where it can. When
 * `writable` the frame's pixels may be changed by the caller. */
int sl_converter_run(sl_converter *converter, AVFrame *picture, bool writable, sl_frame **frame);

void sl_converter_close(sl_converter **converter);

#endif
