/* source: the pixels of the test pattern: colour bars with film grain, and something that moves. */
#ifndef SOURCE_PATTERN_ART_H
#define SOURCE_PATTERN_ART_H

#include <sightline/frame.h>

typedef struct sl_pattern_art sl_pattern_art;

/* Prepares pictures of SL_FORMAT_I420, BGR or GRAY. Only rows are kept, no whole picture. */
int sl_pattern_art_open(sl_pattern_art **art, sl_format format, int width, int height);

/* Draws the picture with this number into a frame of the format and size it was opened with. */
void sl_pattern_art_draw(const sl_pattern_art *art, sl_frame *frame, uint64_t number);

void sl_pattern_art_close(sl_pattern_art **art);

#endif
