/* A frame: one picture or array, decoded or coded, with the time it was captured.
 *
 * Frames are reference-counted and immutable once shared: only a sole owner who has given it to
 * nobody may write into one. All functions may be called from any thread. */
#ifndef SIGHTLINE_FRAME_H
#define SIGHTLINE_FRAME_H

#include <sightline/cancel.h>
#include <sightline/export.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SL_PLANES_MAX     3
#define SL_DIMENSIONS_MAX 8
#define SL_DTYPE_MAX      32    /* bytes, with the final NUL */
#define SL_SIDE_MAX       65535 /* pixels: what a JPEG can hold */

/* What the bytes are. YUV is full range, BT.601, as in JFIF; chroma planes are rounded up. */
typedef enum sl_format {
    SL_FORMAT_NONE,  /* no picture: a message alone, as sl_sender_returned() gives it */
    SL_FORMAT_ARRAY, /* dtype and shape, C order, contiguous in planes[0] */
    SL_FORMAT_GRAY,  /* 8-bit luma; also a uint8 array of height, width */
    SL_FORMAT_BGR,   /* 3 bytes a pixel; also a uint8 array of height, width, 3 */
    SL_FORMAT_I420,  /* planes Y, U, V; U and V halved both ways */
    SL_FORMAT_I422,  /* U and V halved across */
    SL_FORMAT_I444,
    SL_FORMAT_JPEG, /* coded: `size` bytes in planes[0] */
    SL_FORMAT_H264, /* coded video: one picture a frame, Annex B */
    SL_FORMAT_HEVC, /* the same of H.265 */
    SL_FORMAT_AV1,  /* coded video: one temporal unit a frame, low-overhead OBUs */
} sl_format;

/* The order in which a JPEG's pixels are (or should be) unpacked into an array. */
typedef enum sl_colorspace {
    SL_COLORSPACE_BGR,
    SL_COLORSPACE_RGB,
    SL_COLORSPACE_RGBX,
    SL_COLORSPACE_BGRX,
    SL_COLORSPACE_XBGR,
    SL_COLORSPACE_XRGB,
    SL_COLORSPACE_GRAY,
    SL_COLORSPACE_RGBA,
    SL_COLORSPACE_BGRA,
    SL_COLORSPACE_ABGR,
    SL_COLORSPACE_ARGB,
    SL_COLORSPACE_CMYK,
} sl_colorspace;

/* Read-only for users, except the bytes and times of a frame they have just made. Made by the
 * library only, so that fields can be added. */
typedef struct sl_frame {
    sl_format format;
    int width, height;              /* pixels; 0 for arrays that are no picture */
    int full_width, full_height;    /* coded for a narrow link: the size of the camera's picture,
                                       where that is larger than this one; else 0 */
    uint8_t *planes[SL_PLANES_MAX]; /* NULL where the format has none */
    size_t strides[SL_PLANES_MAX];  /* bytes from one row to the next */
    size_t size;                    /* bytes in planes[0]: of coded bytes or of an array; for
                                       pictures the bytes of all planes */
    char dtype[SL_DTYPE_MAX];       /* numpy's name; "uint8" for pictures, "" when coded */
    int dimensions;                 /* 0 when coded or planar */
    int64_t shape[SL_DIMENSIONS_MAX];
    sl_colorspace colorspace;      /* coded: how to unpack it */
    bool fast_dct, fast_upsample;  /* coded: the sender's wishes for decoding */
    bool keyframe;                 /* coded video: starts afresh, needs no frame before it */
    uint64_t sequence;             /* counts up by one a captured frame, from 0 */
    int64_t captured_utc_us;       /* microseconds since 1970, 0: unknown */
    int64_t captured_monotonic_us; /* this machine's CLOCK_MONOTONIC, 0: unknown */
    const char *message;           /* JSON text that travels with the frame; NULL: none */
    const char *port;              /* who sent it in multi-server mode, and who returned it in
                                      multi-client mode: JSON text of the peer's own port, `5566`
                                      or `"5566"`; NULL: it didn't say */
} sl_frame;

/* Makes an uninitialised picture of a format from SL_FORMAT_GRAY to SL_FORMAT_I444.
 * SL_EINVAL for sizes outside 1 to SL_SIDE_MAX. */
SL_API int sl_frame_new(sl_frame **frame, sl_format format, int width, int height);

/* Makes an uninitialised array. `dtype` is a numpy scalar type name ("uint8", "float32", ">u2").
 * SL_EINVAL for an unknown dtype, a negative or too large shape, or too many dimensions. */
SL_API int sl_frame_new_array(sl_frame **frame, const char *dtype, int dimensions,
                              const int64_t *shape);

/* Makes an array frame around the caller's bytes (C order, contiguous) without copying.
 * `release(opaque, data)` is called once, from any thread, when the last reference goes;
 * it may be NULL. On failure nothing was taken over. */
SL_API int sl_frame_wrap_array(sl_frame **frame, const char *dtype, int dimensions,
                               const int64_t *shape, void *data,
                               void (*release)(void *opaque, void *data), void *opaque);

/* Gives a frame, which the caller alone owns, the JSON value that travels with it, in NetGear's
 * patterns. The text is copied; NULL takes the message away. SL_EINVAL for what is not one JSON
 * value, or is longer than the 2 MiB that a frame's head may have; for a frame that is shared. */
SL_API int sl_frame_set_message(sl_frame *frame, const char *json);

/* A new frame that shares the pixels of `frame`, whoever holds that too, and has its own message,
 * as by sl_frame_set_message(). */
SL_API int sl_frame_with_message(sl_frame **with, const sl_frame *frame, const char *json);

/* Waits until the caller alone holds a frame and its pixels, and so may write into it again, as
 * into one that was sent: its pixels are coded then, or on their way. SL_OK; SL_EAGAIN when
 * somebody else still held it after timeout_ms (0: only looks; -1: for ever); SL_ECANCELED when
 * `cancel` (NULL: none) was triggered; SL_ESYSTEM. */
SL_API int sl_frame_wait(const sl_frame *frame, sl_cancel *cancel, int timeout_ms);

/* Another reference to the same frame. NULL gives NULL. */
SL_API sl_frame *sl_frame_ref(const sl_frame *frame);

/* Gives a reference back and sets the pointer NULL. Safe on NULL. */
SL_API void sl_frame_unref(sl_frame **frame);

/* Bytes of one element of this dtype, or 0 when it is not a numpy scalar type we carry. */
SL_API size_t sl_dtype_size(const char *dtype);

/* Reads the timecode strip (see docs/PROTOCOL.md) from a GRAY, planar YUV or BGR picture, or a
 * uint8 array shaped like one. Returns true and the low 32 bits of UTC milliseconds. False where
 * the picture is too small for a strip. Any picture large enough reads as some number. */
SL_API bool sl_timecode_read(const sl_frame *frame, uint32_t *milliseconds);

/* Draws the strip for `utc_us` into a picture that the caller alone owns. */
SL_API bool sl_timecode_draw(sl_frame *frame, int64_t utc_us);

#endif
