/* sink/web: cameras as JSON. Pure. */
#ifndef SINK_WEB_JSON_H
#define SINK_WEB_JSON_H

#include <jansson.h>
#include <sightline/recorder.h>
#include <sightline/stats.h>
#include <sightline/view.h>

/* One camera, as /api/cameras lists it; `recording` NULL: nothing can be recorded. NULL when out of
 * memory. */
json_t *sl_web_json_camera(const sl_camera_view *camera, const sl_recording *recording);

json_t *sl_web_json_recording(const sl_recording *recording);

/* What /api/events says each second; takes the reference of the list. NULL when out of memory. */
json_t *sl_web_json_news(json_t *cameras, const sl_stats *stats, int64_t now_us);

/* As text, to be freed; takes the reference. NULL when out of memory, or when that is NULL. */
char *sl_web_json_write(json_t *json);

#endif
