/* wire: the live pattern's messages, bytes only. Every one is a single part; numbers are
 * big-endian, times are microseconds and below 2^53.
 *
 *   each begins    0   "SLL"                        3   its kind
 *
 *   hello    'H'   sender → receiver, until it is welcome
 *                  4   lowest version    1          5   highest version   1
 *                  6   codecs            2 bits     8   session           4
 *                 12   sent at           8         20   camera            8
 *                 28   name              n ≤ 64, UTF-8 without quotes and backslashes
 *   welcome  'W'   receiver → sender
 *                  4   lowest version    1          5   highest version   1
 *                  6   codecs            2 bits     8   session           4
 *                 12   hello's sent at   8         20   answered at       8
 *   refusal  'R'   receiver → sender
 *                  4   lowest version    1          5   highest version   1
 *                  6   why               n ≤ 200, UTF-8
 *   chunk    'C'   sender → receiver: a piece of a coded frame
 *                  4   codec             1          5   flags             1
 *                  6   epoch             2          8   session           4
 *                 12   sequence          4         16   offset            4
 *                 20   total             4         24   sent at           8
 *                 32   captured at       8         40   clock             8
 *                 48   full width        2         50   full height       2
 *                 52   bytes             1 ≤ n ≤ 32 KiB
 *   ack      'A'   receiver → sender: this much has come
 *                  4   flags             1          5   session           4
 *                  9   epoch             2         11   sequence          4
 *                 15   offset            4         19   bytes             8
 *                 27   chunk's sent at   8         35   came at           8
 *                 43   shown             4         47   its age then      4
 *   ping     'P'   sender → receiver
 *                  4   session           4          8   sent at           8
 *   pong     'Q'   receiver → sender
 *                  4   flags             1          5   session           4
 *                  9   ping's sent at    8         17   answered at       8
 *                 25   bytes             8
 *   view     'V'   receiver → sender: what flags say, when that has changed or is wished
 *                  4   flags             1          5   session           4
 *   loss     'L'   sender → receiver: the camera is gone, and waited for; or it is back
 *                  4   flags             1          5   session           4
 *                  9   for               8         17   why               n ≤ 200, UTF-8
 *   end      'E'   sender → receiver: that was all
 *                  4   session           4
 *
 * docs/PROTOCOL.md tells the whole. Any thread. */
#ifndef WIRE_LIVE_H
#define WIRE_LIVE_H

#include "frame/buffer.h"
#include <stddef.h>
#include <stdint.h>

#define SL_LIVE_VERSION    1
#define SL_LIVE_CHUNK_HEAD 52                  /* bytes before a chunk's own */
#define SL_LIVE_CHUNK_MAX  ((size_t)32 * 1024) /* of its own */
#define SL_LIVE_NAME_MAX   64                  /* bytes of a camera's name */
#define SL_LIVE_WHY_MAX    200                 /* bytes of a refusal's sentence */
#define SL_LIVE_NO_CLOCK   INT64_MIN           /* the other end's clock isn't known yet */

typedef enum sl_live_kind {
    SL_LIVE_HELLO = 'H',
    SL_LIVE_WELCOME = 'W',
    SL_LIVE_REFUSAL = 'R',
    SL_LIVE_CHUNK = 'C',
    SL_LIVE_ACK = 'A',
    SL_LIVE_PING = 'P',
    SL_LIVE_PONG = 'Q',
    SL_LIVE_VIEW = 'V',
    SL_LIVE_LOSS = 'L',
    SL_LIVE_END = 'E',
} sl_live_kind;

typedef enum sl_live_codec {
    SL_LIVE_JPEG,
    SL_LIVE_H264, /* Annex B */
    SL_LIVE_HEVC, /* Annex B */
    SL_LIVE_AV1,  /* temporal units of low-overhead OBUs */
    SL_LIVE_CODECS
} sl_live_codec;

/* In a chunk, its frame can be decoded without those before; in an ack, the receiver can use
 * nothing until such a frame comes. */
#define SL_LIVE_KEYFRAME 1U

/* In an ack, a pong and a view: nobody watches there, so that frames are for nobody. */
#define SL_LIVE_UNWATCHED 2U

/* There, too: frames of this sender wait for the receiver's decoder, and more would only do so,
 * too.
 */
#define SL_LIVE_BEHIND 4U

/* In a view: somebody came who can begin at a keyframe alone. The others need none, and go on. */
#define SL_LIVE_REFRESH 8U

/* In a loss: the camera is gone; without, it is back. */
#define SL_LIVE_LOST 16U

#define SL_LIVE_NO_AGE UINT32_MAX /* nobody knows when that one was captured */

/* A message. What its kind doesn't have is zero. */
typedef struct sl_live_message {
    sl_live_kind kind;
    uint8_t lowest, highest; /* versions spoken */
    uint16_t codecs;         /* that it can code or decode: 1 << sl_live_codec */
    uint64_t camera;         /* a sender's number by chance: the same in all connections */
    uint32_t session;        /* of a connection: a sender's number by chance */
    uint16_t epoch;          /* a sender's count of times that it began afresh */
    uint32_t sequence;       /* of the frame; one more than of the one before */
    uint32_t offset;         /* chunk: of its bytes in the frame; ack: how far that has come */
    uint32_t total;          /* bytes of the whole frame */
    sl_live_codec codec;
    uint8_t flags;
    uint64_t bytes;      /* ack, pong: of this session's chunks that have come, their own alone */
    int64_t sent_us;     /* by the clock of the end that asks: hello, chunk, ping; their
                            answers give it back */
    int64_t now_us;      /* by the clock of the end that answers: welcome, ack, pong; UTC at a
                            receiver */
    int64_t captured_us; /* UTC by the sender's clock */
    int64_t clock_us;    /* how much further the receiver's UTC is than the sender's, as far as
                            the sender knows; SL_LIVE_NO_CLOCK */
    uint16_t width, height; /* chunk: of the camera's picture, where this one is smaller; else 0 */
    uint32_t shown;         /* ack: the last frame that was handed out; 0: none was */
    uint32_t shown_age_us;  /* how old it was then; SL_LIVE_NO_AGE */
    int64_t lost_us;        /* loss: for how long the camera has been gone */
    char text[SL_LIVE_WHY_MAX + 1]; /* hello: the camera's name; refusal, loss: why. No control
                                       characters when read */
    const uint8_t *data;            /* chunk: its bytes, in the message that was read */
    size_t size;
} sl_live_message;

/* Whether that may be a camera's name: 1 to SL_LIVE_NAME_MAX bytes of UTF-8 without quotes,
 * backslashes and control characters. SL_EINVAL with what is wrong. */
int sl_live_check_name(const char *name);

/* Writes a message; of a chunk the head alone, and `data` is copied behind it. SL_EINVAL for what
 * the layout has no room for. */
int sl_live_write(const sl_live_message *message, sl_buffer **bytes);

/* Reads a message of `count` parts from a peer. `message->data` points into the part. SL_EMESSAGE
 * with the reason for anything that is none, or of another version, or out of its bounds: a chunk
 * beyond its total, an unknown codec, text that is no UTF-8. */
int sl_live_read(sl_buffer *const *parts, size_t count, sl_live_message *message);

#endif
