/* source: the side of the reader that meets the world: a file, stream, device or pipe, opened by
 * libav, and the packets of its best video stream. */
#ifndef SOURCE_INPUT_H
#define SOURCE_INPUT_H

#include "frame/buffer.h"
#include "source/kind.h"
#include "source/mjpeg.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

typedef struct sl_input_settings {
    const char *name;    /* in sentences: "the file a.mp4" */
    const char *url;     /* what libav opens */
    const char *format;  /* libav's name of the input format; NULL: probed */
    AVIOContext *io;     /* read instead of the URL, borrowed; NULL: none */
    bool low_delay;      /* start and decode with as little waiting as possible */
    bool jpegs;          /* JPEGs one after the other, of the format "mjpeg", without delay */
    bool device;         /* says all at once and never blocks; its packets are borrowed */
    int64_t patience_us; /* silence for longer than this is a failure; 0: none is */
} sl_input_settings;

typedef struct sl_input {
    sl_source_shared *shared;
    sl_input_settings settings; /* `name` is a copy */
    char name[160];
    AVFormatContext *format;
    AVStream *stream;
    const AVCodec *codec; /* that decodes the stream */
    AVPacket *ahead;      /* device: to look for a newer packet */
    int64_t deadline_us;  /* when libav is interrupted; 0: never */
    int64_t last_us;      /* when the last packet came */
    int failures;         /* in a row */
    sl_mjpeg jpegs;       /* what came and was not read yet */
} sl_input;

/* Opens and probes; `options` are libav's, taken over and freed. SL_ESOURCE, SL_ECANCELED. */
int sl_input_open(sl_input *input, sl_source_shared *shared, const sl_input_settings *settings,
                  AVDictionary **options);

/* The next packet of the video stream, and when it came (a device: when it was captured). SL_EEND,
 * SL_ESOURCE, SL_ECANCELED. */
int sl_input_read(sl_input *input, AVPacket *packet, int64_t *captured_us);

/* The bytes of a packet, which may be emptied, as a buffer: without copying unless a device wants
 * them back. */
int sl_input_keep(const sl_input *input, AVPacket *packet, sl_buffer **bytes);

/* The usual time between two frames; a guess where nothing says it. */
int64_t sl_input_interval_us(const sl_input *input);

/* Whether it is stored somewhere and so has an end, as opposed to what is being made just now. */
bool sl_input_is_stored(const sl_input *input);

/* Safe on a zeroed one, and twice. */
void sl_input_finish(sl_input *input);

#endif
