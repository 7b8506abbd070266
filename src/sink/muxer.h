/* sink: one recording on disk, a file of Motion JPEG that can be played whenever writing stops.
 *
 * Frames are gathered into pieces of half a second (Matroska clusters, MP4 fragments), each
 * written whole. Killed at any moment, a process loses at most the piece it was gathering. */
#ifndef SINK_MUXER_H
#define SINK_MUXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sl_muxer sl_muxer;

/* Opens or makes the file, so that what is wrong with the path is known early; the container
 * follows from its ending. A file that is there keeps its content until sl_muxer_begin(). With
 * `fresh` a file that is there already is SL_EINUSE, and having no free descriptor just now is
 * SL_EAGAIN. SL_ESINK. */
int sl_muxer_open(sl_muxer **muxer, const char *path, bool fresh);

/* Empties the file and writes the head. SL_ESINK. */
int sl_muxer_begin(sl_muxer *muxer, int width, int height);

/* Adds one JPEG, captured at time_us (any clock that counts up evenly). SL_ESINK: nothing more can
 * be written, and the file was cut back to its last whole piece. */
int sl_muxer_write(sl_muxer *muxer, const uint8_t *jpeg, size_t size, int64_t time_us);

/* Writes what was gathered and the index, closes, sets NULL. A file made by open and never begun
 * is removed. SL_ESINK when the end could not be written. Safe on NULL. */
int sl_muxer_close(sl_muxer **muxer);

/* The endings that tell a container: ".mkv", ".mp4", ".mov"; ended by NULL. */
extern const char *const sl_muxer_endings[];

#endif
