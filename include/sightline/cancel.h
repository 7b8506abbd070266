/* A cancel object ends blocking calls, from any thread or from a signal handler. */
#ifndef SIGHTLINE_CANCEL_H
#define SIGHTLINE_CANCEL_H

#include <sightline/export.h>
#include <stdbool.h>

typedef struct sl_cancel sl_cancel;

/* Makes a cancel object, or fails with SL_ENOMEM or SL_ESYSTEM. */
SL_API int sl_cancel_open(sl_cancel **cancel);

/* Every call that was given this object returns SL_ECANCELED soon, now and from now on.
 * Any thread; async-signal-safe. */
SL_API void sl_cancel_trigger(sl_cancel *cancel);

/* Whether it was triggered. Any thread. NULL is never triggered. */
SL_API bool sl_cancel_triggered(const sl_cancel *cancel);

/* A descriptor that polls readable once triggered; -1 for NULL. Owned by the object. */
SL_API int sl_cancel_fd(const sl_cancel *cancel);

/* Frees it and sets the pointer NULL; nothing may still be using it. */
SL_API void sl_cancel_close(sl_cancel **cancel);

#endif
