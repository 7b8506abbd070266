/* sink/recording: has a sink's frames come from a tap, which must not wait, and written by a
 * thread. */
#ifndef SINK_RECORDING_TAPPED_H
#define SINK_RECORDING_TAPPED_H

#include "sink/kind.h"

typedef struct sl_tapped sl_tapped;

/* From now on the state is the thread's. SL_ENOMEM, SL_ESYSTEM. */
int sl_tapped_open(sl_tapped **tapped, const sl_sink_kind *kind, void *state);

/* An sl_tap's `take`. */
void sl_tapped_take(void *tapped, const sl_frame *coded);

/* How writing goes: SL_OK, or what it failed with, and its sentence. Any thread. */
int sl_tapped_result(sl_tapped *tapped);

/* Frames that were not written. Any thread. */
uint64_t sl_tapped_dropped(sl_tapped *tapped);

/* Writes what was taken, and gives the state back. Safe on NULL. */
void sl_tapped_close(sl_tapped **tapped);

#endif
