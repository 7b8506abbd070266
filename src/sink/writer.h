/* sink: writing to a descriptor that is not ours, so that waiting for its reader can be ended.
 *
 * Standard output is shared with whoever started us: making it non-blocking would surprise them,
 * and a blocking write to a full pipe waits for ever. So a thread of its own does the writing;
 * SIGPIPE can't reach the host from there either, since that thread has all signals blocked. */
#ifndef SINK_WRITER_H
#define SINK_WRITER_H

#include <sightline/cancel.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

typedef struct sl_writer sl_writer;

/* For `fd`, which stays the caller's. SL_ENOMEM, SL_ESYSTEM. */
int sl_writer_open(sl_writer **writer, int fd);

/* Writes all of `parts` (which it may change) and returns when that is done. SL_EEND when the
 * reader went away, SL_ESINK otherwise; SL_ECANCELED, or SL_EAGAIN past the deadline: then a part
 * was written, perhaps, and the writer is good for nothing but closing. Whatever is returned, the
 * bytes are no longer looked at. */
int sl_writer_write(sl_writer *writer, struct iovec *parts, size_t count, const sl_cancel *cancel,
                    int64_t deadline_us);

void sl_writer_close(sl_writer **writer);

#endif
