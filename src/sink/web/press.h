/* sink/web: making JPEGs of what came as video or arrays, once for all who want them. */
#ifndef SINK_WEB_PRESS_H
#define SINK_WEB_PRESS_H

#include "sink/web/hub.h"

typedef struct sl_web_press sl_web_press;

/* Starts the thread that codes what is shown to the hub and wanted there. */
int sl_web_press_open(sl_web_press **press, sl_web_hub *hub);

/* The hub must have stopped. Sets NULL; safe on NULL. */
void sl_web_press_close(sl_web_press **press);

#endif
