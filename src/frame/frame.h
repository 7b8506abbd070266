/* frame: what the rooms may do with frames beyond the public header. */
#ifndef FRAME_FRAME_H
#define FRAME_FRAME_H

#include "frame/buffer.h"
#include "frame/pool.h"
#include <sightline/frame.h>

/* Pixels of a frame of video: 4096x2304, the most of H.264's level 5.2 (table A-1). Larger pictures
 * are scaled down before they are encoded, and refused from a peer. */
#define SL_VIDEO_PIXELS_MAX (INT64_C(4096) * 2304)

/* A picture whose memory comes from `pool` (NULL: from the heap) and goes back there. Strides are
 * multiples of 32 for planar formats; GRAY and BGR are contiguous, so they are arrays too. */
int sl_frame_new_pooled(sl_frame **frame, sl_pool *pool, sl_format format, int width, int height);

/* A picture around planes that somebody else laid out, without copying; GRAY and BGR must be
 * contiguous. `release(opaque, planes[0])` runs once: with the last reference, from any thread, or
 * before this returns when it fails. */
int sl_frame_wrap_picture(sl_frame **frame, sl_format format, int width, int height,
                          uint8_t *const *planes, const size_t *strides,
                          void (*release)(void *opaque, void *data), void *opaque);

/* A coded frame (SL_FORMAT_JPEG or video) around `bytes`, which it takes a reference of. Width and
 * height are set when known, else 0. */
int sl_frame_new_coded(sl_frame **frame, sl_format format, sl_buffer *bytes);

/* An array around `bytes`, which it takes a reference of; SL_EMESSAGE unless dtype × shape is
 * exactly its size. uint8 arrays shaped like pictures become SL_FORMAT_GRAY or SL_FORMAT_BGR. */
int sl_frame_new_array_of(sl_frame **frame, const char *dtype, int dimensions, const int64_t *shape,
                          sl_buffer *bytes);

/* The bytes of a coded frame, array, GRAY or BGR picture, as one contiguous buffer that shares
 * them; the caller gets a reference. SL_EINVAL for planar formats. */
int sl_frame_bytes(const sl_frame *frame, sl_buffer **bytes);

/* Another frame with the same pixels (shared), in the same place of its stream, whose own times,
 * sequence, message and port may be set. */
int sl_frame_share(sl_frame **frame, const sl_frame *from);

/* Coded video: puts a frame, which the caller alone has, into the order of its stream, behind
 * `before`: the frame that it builds on, which goes on to the one before that, as far as they are
 * kept. It holds them all, so whoever gets the newest can decode it, whatever was dropped on the
 * way. NULL for a keyframe, and where those before are not kept. To be done before anybody else has
 * it, but a source may give it its times and sequence later. */
void sl_frame_follow(sl_frame *frame, const sl_frame *before);

/* Whether it was put in order: a sequence that counts up by one shows that no frame is missing. */
bool sl_frame_follows(const sl_frame *frame);

/* The frame before it, or NULL. Valid as long as this one is held. */
const sl_frame *sl_frame_before(const sl_frame *frame);

/* Whether the caller alone holds the frame and its pixels, and so may write. */
bool sl_frame_sole(const sl_frame *frame);

/* Copies times, sequence, message, port and whether it is a keyframe. */
int sl_frame_copy_properties(sl_frame *to, const sl_frame *from);

/* Replaces the JSON text that travels with it (copied; NULL: none). */
int sl_frame_put_message(sl_frame *frame, const char *message);

/* Replaces the JSON text of its sender's port (copied; NULL: none). */
int sl_frame_set_port(sl_frame *frame, const char *port);

/* dtype × shape in bytes, or SL_EINVAL: unknown dtype, negative side, more than `limit`. */
int sl_array_size(const char *dtype, int dimensions, const int64_t *shape, size_t limit,
                  size_t *bytes);

/* "BGR" and back; NULL or SL_EINVAL when there is no such. */
const char *sl_colorspace_name(sl_colorspace colorspace);
int sl_colorspace_parse(const char *name, sl_colorspace *colorspace);
int sl_colorspace_channels(sl_colorspace colorspace); /* 1, 3 or 4 */

/* Geometry of plane `plane` of a planar or packed picture format. */
int sl_format_planes(sl_format format);
int sl_plane_width(sl_format format, int plane, int width); /* in samples */
int sl_plane_height(sl_format format, int plane, int height);
const char *sl_format_name(sl_format format);
bool sl_format_is_coded(sl_format format);
bool sl_format_is_video(sl_format format); /* frames that need those before them */

#endif
