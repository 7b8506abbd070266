/* sink/web: what the hub knows of one camera, and its readers. Used by hub.c and channel.c, under
 * the hub's lock. */
#ifndef SINK_WEB_CHANNEL_H
#define SINK_WEB_CHANNEL_H

#include "sink/web/hub.h"

/* Of all channels together: a peer can be many cameras, of large frames. */
#define SL_WEB_CHANNELS_BYTES ((size_t)256 << 20)

struct sl_web_channel {
    struct sl_web_channel *next;
    char port[128];
    sl_format format;      /* of what came last; SL_FORMAT_NONE: nothing did */
    sl_web_track video;    /* of coded video since the last keyframe */
    sl_web_track pictures; /* the newest JPEG */
    sl_frame *order;       /* to be coded as JPEG, or NULL */
    int users;             /* readers, and who codes */
    bool refresh;          /* somebody waits for a keyframe */
    int64_t came_us;       /* when it was last used */
};

/* The channel of that port (NULL: none), made if there is none yet; of too many the one that was
 * not used for longest makes way. NULL when out of memory, or when all are in use. */
sl_web_channel *sl_web_channel_find(sl_web_channel **channels, const char *port);

/* Keeps what all hold within SL_WEB_CHANNELS_BYTES: who has most lets go of the oldest of it. */
void sl_web_channels_trim(sl_web_channel *channels);

void sl_web_channels_free(sl_web_channel **channels);

/* The frame as it goes to browsers, with a reference to its bytes. False for arrays. */
bool sl_web_piece_of(const sl_frame *frame, sl_web_piece *piece);

/* The track in which a reader stands; it begins anew where that has changed. */
sl_web_track *sl_web_channel_track(sl_web_channel *channel, sl_web_reader *reader);

/* Whether the reader needs pictures of this channel that have to be coded here. */
bool sl_web_channel_orders(const sl_web_channel *channel, const sl_web_reader *reader);

#endif
