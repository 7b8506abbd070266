/* sink: the letters that a window writes over pictures: printable ASCII in dots. */
#ifndef SINK_GLYPHS_H
#define SINK_GLYPHS_H

#include <stdint.h>

#define SL_GLYPH_FIRST  ' '
#define SL_GLYPH_LAST   '~'
#define SL_GLYPHS       (SL_GLYPH_LAST - SL_GLYPH_FIRST + 1)
#define SL_GLYPH_WIDTH  5 /* dots; the gap to the next letter comes on top */
#define SL_GLYPH_HEIGHT 8 /* dots, the lowest for what goes below the line */

/* A byte a column, from left to right; its lowest bit is the topmost dot. */
extern const uint8_t sl_glyphs[SL_GLYPHS][SL_GLYPH_WIDTH];

#endif
