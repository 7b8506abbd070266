/* sink: writing to a descriptor that is not ours, so that waiting for its reader can be ended.
 *
 * Standard output is shared with whoever started us: making it non-blocking would surprise them,
 * and a blocking write to a full pipe waits for ever. So a pipe is opened once more, without
 * blocking, for ourselves; where that is not allowed, no more is written at a time than a pipe
 * that polls writable takes for sure. SIGPIPE never reaches the host. */
#ifndef SINK_WRITER_H
#define SINK_WRITER_H

#include <sightline/cancel.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

typedef struct sl_writer sl_writer;

/* For `fd`, which stays the caller's. SL_ENOMEM, SL_ESINK. */
int sl_writer_open(sl_writer **writer, int fd);

/* Writes all of `parts` (which it changes) and returns when that is done. SL_EEND when the reader
 * went away, SL_ESINK otherwise; SL_ECANCELED, or SL_EAGAIN past the deadline: then nothing more
 * will be written. What was begun when it was cancelled is written whole, if its reader takes it
 * within half a second. */
int sl_writer_write(sl_writer *writer, struct iovec *parts, size_t count, const sl_cancel *cancel,
                    int64_t deadline_us);

void sl_writer_close(sl_writer **writer);

#endif
