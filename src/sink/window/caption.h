/* sink: what a window says of a camera. Words alone, no pixels. */
#ifndef SINK_CAPTION_H
#define SINK_CAPTION_H

#include <sightline/view.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SL_CAPTION_MAX 640  /* bytes, with the final NUL: of any of these */
#define SL_CAPTION_GAP "  " /* between two figures of a line */

/* Whether its picture, if there is one, is no longer what the camera sees. */
bool sl_caption_stale(const sl_camera_view *view);

/* "2 porch  1280x720  30.0 frames/s  35 ms old  1.2 Mbit/s  H.264  live"; without what is not
 * known. `number`: of the key that picks it; 0: none does. */
void sl_caption_line(char text[SL_CAPTION_MAX], const sl_camera_view *view, size_t number);

/* What to write over a picture that is stale, in lines: "no picture for 12 s", and since when the
 * camera is lost or gone, and why. `named`: its name stands above. "" over one that is not. */
void sl_caption_mark(char text[SL_CAPTION_MAX], const sl_camera_view *view, bool named,
                     int64_t utc_us);

/* Breaks lines that are longer than so many letters, where `between` stands. */
void sl_caption_wrap(char *text, int columns, const char *between);

#endif
