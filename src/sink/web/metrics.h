/* sink/web: figures as Prometheus reads them, text format 0.0.4. Pure. */
#ifndef SINK_WEB_METRICS_H
#define SINK_WEB_METRICS_H

#include <sightline/recorder.h>
#include <sightline/stats.h>
#include <sightline/view.h>

#define SL_WEB_STATUSES                                                                            \
    { 200, 303, 304, 400, 401, 403, 404, 405, 409, 413, 500, 503, 504 }
#define SL_WEB_STATUS_COUNT 13

typedef struct sl_web_figures {
    const sl_stats *stats;
    const sl_camera_view *cameras;
    const sl_recording *recordings; /* of each camera; NULL: nothing can be recorded */
    size_t count;
    size_t browsers;
    uint64_t coded, skipped, cut_off, sent_bytes;
    uint64_t requests[SL_WEB_STATUS_COUNT]; /* that were answered with each of SL_WEB_STATUSES */
} sl_web_figures;

/* The text, to be freed, or NULL when out of memory. */
char *sl_web_metrics(const sl_web_figures *figures);

#endif
