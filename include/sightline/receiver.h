/* The viewer end. It binds, here or through a tunnel at an SSH server; what arrives is
 * acknowledged, decoded and handed out. */
#ifndef SIGHTLINE_RECEIVER_H
#define SIGHTLINE_RECEIVER_H

#include <sightline/cancel.h>
#include <sightline/codec.h>
#include <sightline/export.h>
#include <sightline/frame.h>
#include <sightline/gate.h>
#include <sightline/link.h>
#include <sightline/settings.h>
#include <sightline/stats.h>
#include <sightline/tunnel.h>
#include <sightline/view.h>

typedef struct sl_receiver sl_receiver;

/* How frames are handed out. */
typedef enum sl_output {
    SL_OUTPUT_ARRAY,  /* as the sender's arrays: JPEG unpacked in the header's colour space */
    SL_OUTPUT_PLANES, /* JPEG as planar YUV or gray, as it is coded: the cheapest pixels; arrays as
                         they are */
    SL_OUTPUT_CODED,  /* as they came, not decoded: each frame of a camera's video is in an sl_tap
                         alone, here some may be missing */
    SL_OUTPUT_JPEG,   /* JPEG as it came, for who stores pictures; all else as SL_OUTPUT_PLANES, and
                         so JPEG that has to be scaled back */
} sl_output;

typedef struct sl_receiver_settings {
    sl_settings settings;
    sl_link_settings link;
    sl_tunnel_settings tunnel; /* with a destination: that server listens at the link's address and
                                  port, and this machine does not */
    sl_codec_settings codec;   /* fast_dct and fast_upsample are ORed with the sender's */
    sl_output output;
    bool every_frame;  /* pubsub: a bounded queue instead of newest wins */
    bool timecode;     /* read the timecode and fill in the latency */
    int threads;       /* that decode; 0: one a core, at most four */
    sl_cancel *cancel; /* borrowed for the receiver's whole life; may be NULL */
    sl_gate_settings gate;
    int smooth_ms;  /* live: frames are handed out evenly, each so long after it could be if it had
                       come as quickly as any did lately, and decoded then; later ones at once.
                       0 to 2000; 0: each as soon as it is decoded */
    bool full_size; /* live: a picture that its sender made smaller because the link is narrow is
                       scaled back, so that a camera's frames keep their size; true. Else they are
                       as they came */
    bool stay;      /* the stream doesn't end with its last sender: others may come, or the same one
                       again; false */
    bool unwatched; /* live: senders take it that nobody watches until the first sl_receiver_recv();
                       false: that somebody will soon */
    void *reserved[7];
} sl_receiver_settings;

SL_API void sl_receiver_settings_init(sl_receiver_settings *settings);

/* Whether the settings go together, as far as that shows before anything is opened; opening looks
 * first, too. For who opens something else before. SL_EINVAL with what is wrong. */
SL_API int sl_receiver_check(const sl_receiver_settings *settings);

/* Binds, or opens the gate if one is asked for, and starts to receive. SL_EINVAL, SL_EINUSE when
 * the port is taken, SL_ESYSTEM. With a tunnel it returns once the server listens; port 0 lets the
 * server pick one, which sl_receiver_stats() tells. Fails with SL_EUNREACHABLE, SL_EAUTH,
 * SL_EHOSTKEY, SL_EFORWARD (also when the port there is taken), SL_ECANCELED. Settings are copied.
 */
SL_API int sl_receiver_open(sl_receiver **receiver, const sl_receiver_settings *settings);

/* The next frame, in order; in pubsub the newest. Gives the caller a reference. SL_EAGAIN when
 * none came within timeout_ms (-1: for ever). SL_EEND when the sender has ended the stream,
 * SL_ETIMEOUT when subscriber_timeout or max_retries ran out, SL_ECANCELED, or what ended the
 * tunnel for good. One thread at a time.
 *
 * In the live pattern this is also how senders know that somebody watches: half a second after a
 * frame was taken, when nobody is in here for another, they are told to send none (after a call
 * that brought none, twice as long as since the one before, two to ten seconds). The next
 * call tells them to go on, at once; it hands out nothing of the time before, and so needs a
 * timeout for a frame to be coded and to come. */
SL_API int sl_receiver_recv(sl_receiver *receiver, sl_frame **frame, int timeout_ms);

/* SL_OK while frames may come; else what ended the stream, which sl_receiver_recv() says once all
 * are taken. For who waits for something else meanwhile, since it counts as no look. Any thread. */
SL_API int sl_receiver_ended(const sl_receiver *receiver);

/* In bidirectional and multi-client mode: what every reply carries back from now on, until the next
 * call: a JSON text, or an array, or nothing when both are NULL. The array (or picture, or JPEG) is
 * coded as `codec` says, in this call: the caller's reference stays the caller's, and raw bytes are
 * shared. Replies go out as soon as there is room for another frame, so what is set after a frame
 * was taken goes with the reply to a later one. SL_EINVAL when both modes are off, for both at
 * once, for what is not one JSON value or is longer than 2 MiB, and for what can't be coded as set
 * or has no elements. Any thread. */
SL_API int sl_receiver_return(sl_receiver *receiver, const char *json, const sl_frame *array);

/* Where its gate is. False when it has none. Any thread. */
SL_API bool sl_receiver_gate(const sl_receiver *receiver, sl_gate_place *place);

/* Any thread. */
SL_API void sl_receiver_stats(const sl_receiver *receiver, sl_stats *stats);

/* Changes how frames are handed out from the next one on: who shows nothing now need not have them
 * decoded. Any thread. */
SL_API void sl_receiver_set_output(sl_receiver *receiver, sl_output output);

/* Adds someone who sees all frames as they come, up to four; the struct is copied. SL_EINVAL for a
 * fifth. Any thread, but no tap's. */
SL_API int sl_receiver_tap(sl_receiver *receiver, const sl_tap *tap);

/* Takes the tap of that `user` away; no call of it is under way afterwards. Any thread, but no
 * tap's. */
SL_API void sl_receiver_untap(sl_receiver *receiver, const void *user);

/* The cameras that it knows, in the order in which they came first: those that are gone, too, until
 * others need their place. Fills in up to `room`; how many. Any thread. */
SL_API size_t sl_receiver_cameras(const sl_receiver *receiver, sl_camera_view *cameras,
                                  size_t room);

/* Asks the camera whose frames have that port (NULL or "": none) for a keyframe, so that who comes
 * later can begin; at most once a second, and in the live pattern alone: elsewhere each frame
 * stands for itself. Any thread, a tap's as well. */
SL_API void sl_receiver_refresh(sl_receiver *receiver, const char *port);

/* Fills in a viewer that asks this receiver, and so is of use until that is closed. Any thread. */
SL_API void sl_receiver_viewer(sl_receiver *receiver, sl_viewer *viewer);

/* Stops receiving; the caller is the thread that receives. What was acknowledged and not yet handed
 * out can still be had from sl_receiver_recv(), cancelled or not, then SL_EEND. */
SL_API void sl_receiver_finish(sl_receiver *receiver);

/* Closes all and sets NULL; frames not handed out are gone. Frames handed out stay valid. Safe on
 * NULL. */
SL_API void sl_receiver_close(sl_receiver **receiver);

#endif
