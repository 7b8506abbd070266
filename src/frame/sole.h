/* frame: waiting until a frame is one's own again. */
#ifndef FRAME_SOLE_H
#define FRAME_SOLE_H

/* A frame or buffer has come to have a single holder: whoever waits in sl_frame_wait() looks
 * whether it is his. Costs nothing when nobody waits. Any thread, and none of the frame's memory is
 * touched: that holder may have freed it. */
void sl_sole_announce(void);

#endif
