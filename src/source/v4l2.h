/* source: asks a camera what it is and can do, without streaming from it. */
#ifndef SOURCE_V4L2_H
#define SOURCE_V4L2_H

#include "source/mode.h"

typedef struct sl_v4l2_facts {
    char name[64]; /* what the driver calls it */
    sl_mode *modes;
    size_t count;
} sl_v4l2_facts;

/* Fills `facts`; a size within a range that the camera can do gets a mode, too. SL_EUNSUPPORTED
 * for a device that captures no pictures, SL_ESOURCE when it can't be opened: the sentence is a
 * person's next step. */
int sl_v4l2_inspect(const char *path, sl_size wanted, sl_v4l2_facts *facts);

/* Safe on zeroed facts. */
void sl_v4l2_facts_finish(sl_v4l2_facts *facts);

#endif
