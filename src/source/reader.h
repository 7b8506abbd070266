/* source: frames from whatever libav can open: what cameras, files, streams, the screen and pipes
 * have in common. Belongs to the thread that reads the source. */
#ifndef SOURCE_READER_H
#define SOURCE_READER_H

#include "source/input.h"

typedef struct sl_reader sl_reader;

typedef struct sl_reader_settings {
    sl_input_settings input;
    bool live;     /* a lower rate is reached by leaving frames out as they come; otherwise libav's
                      fps filter makes it, which also fills gaps, but is a frame late */
    bool own_size; /* the size asked for is one that the device was opened with */
} sl_reader_settings;

/* Opens and probes; `options` are libav's, taken over and freed. SL_ESOURCE, SL_EINVAL for a bad
 * filter, SL_ECANCELED. */
int sl_reader_open(sl_reader **reader, sl_source_shared *shared, const sl_reader_settings *settings,
                   AVDictionary **options);

/* The next frame, stamped with the time at which its packet came, and its timestamp in the stream
 * (INT64_MIN: none). A caller who knows a better time may stamp it again (see stamp.h). SL_EEND,
 * SL_ESOURCE, SL_ECANCELED. */
int sl_reader_read(sl_reader *reader, sl_frame **frame, int64_t *pts_us);

/* "1280x720, 30 frames/s, MJPEG". */
void sl_reader_describe(const sl_reader *reader, char *text, size_t size);

/* The usual time between two frames that it delivers. */
int64_t sl_reader_interval_us(const sl_reader *reader);

bool sl_reader_is_stored(const sl_reader *reader);

void sl_reader_close(sl_reader **reader);

#endif
