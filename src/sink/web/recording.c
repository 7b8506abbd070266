/* sink/web: recording at a browser's wish. Used by server.c and api.c. */
#include "sink/web/json.h"
#include "sink/web/server.h"

json_t *sl_web_json_recording(const sl_recording *recording) {
    (void)recording;
    return json_null();
}

bool sl_web_recording(const sl_web *web, const sl_camera_view *camera, sl_recording *recording) {
    (void)web, (void)camera, (void)recording;
    return false;
}

enum MHD_Result sl_web_answer_record(sl_web_visit *visit) {
    sl_camera_view camera;
    enum MHD_Result answered;
    if (!sl_web_find_camera(visit, &camera, &answered))
        return answered;
    return sl_web_refuse(visit, MHD_HTTP_CONFLICT,
                         "nothing can be recorded: start the viewer with --record DIRECTORY");
}
