/* sink/recording: one recording on disk, a file of JPEGs or coded video that can be played whenever
 * writing stops.
 *
 * Frames are gathered into pieces of half a second (Matroska clusters, MP4 fragments), each
 * written whole. Killed at any moment, a process loses at most the piece it was gathering. */
#ifndef SINK_RECORDING_MUXER_H
#define SINK_RECORDING_MUXER_H

#include <libavcodec/codec_par.h>
#include <sightline/frame.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct sl_muxer sl_muxer;

/* Opens or makes the file, so that what is wrong with the path is known early; the container
 * follows from its ending. A file that is there keeps its content until sl_muxer_begin(). With
 * `fresh` a file that is there already is SL_EINUSE, and having no free descriptor just now is
 * SL_EAGAIN. SL_ESINK. */
int sl_muxer_open(sl_muxer **muxer, const char *path, bool fresh);

/* Empties the file and writes the head, for what `track` says (see track.h). `utc_us` is when the
 * first frame was captured, 0: not known; Matroska keeps it to the microsecond, MP4 to the second.
 * SL_ESINK. */
int sl_muxer_begin(sl_muxer *muxer, const AVCodecParameters *track, int64_t utc_us);

/* Adds a coded frame, captured at time_us (any clock that counts up evenly). `afresh`: it needs
 * none before it. SL_EUNSUPPORTED when the container refuses its bytes, which stops nothing.
 * SL_ESINK: nothing more can be written, and the file was cut back to its last whole piece. */
int sl_muxer_write(sl_muxer *muxer, const sl_frame *coded, bool afresh, int64_t time_us);

/* Puts what was gathered into the file, though the piece could be longer. SL_ESINK as above. */
int sl_muxer_flush(sl_muxer *muxer);

/* Has the disk keep what is in the file, in case the power goes. May take long. SL_ESINK. */
int sl_muxer_sync(sl_muxer *muxer);

/* Gives the file another path on the same disk. SL_ESINK, and it keeps its own. */
int sl_muxer_rename(sl_muxer *muxer, const char *path);

/* Bytes of the file up to the last whole piece, and frames beyond it; the errno of what stopped the
 * writing, or 0. */
int64_t sl_muxer_bytes(const sl_muxer *muxer);
uint64_t sl_muxer_gathered(const sl_muxer *muxer);
int sl_muxer_failure(const sl_muxer *muxer);

/* Writes what was gathered and the index, closes, sets NULL. A file made by open that
 * holds no frame is removed. SL_ESINK when the end could not be written. Safe on NULL. */
int sl_muxer_close(sl_muxer **muxer);

/* The endings that tell a container: ".mkv", ".mp4", ".mov"; ended by NULL. */
extern const char *const sl_muxer_endings[];

#endif
