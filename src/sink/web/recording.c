/* sink/web: recording at a browser's wish. Used by server.c and api.c. */
#include "sink/web/json.h"
#include "sink/web/server.h"

#include <sightline/error.h>

bool sl_web_recording(const sl_web *web, const sl_camera_view *camera, sl_recording *recording) {
    if (web->settings.recorder)
        sl_recorder_status(web->settings.recorder, camera->port, recording);
    return web->settings.recorder != NULL;
}

/* As the browser wants it. What doesn't work out shows in the recording's state. */
static int act(const sl_web_task *task, sl_recorder *recorder, const char *port) {
    if (task->action == SL_WEB_RECORD_STOP)
        return sl_recorder_stop(recorder, port);
    return sl_recorder_start(recorder, port,
                             task->action == SL_WEB_RECORD_EVENT ? task->seconds : 0);
}

enum MHD_Result sl_web_answer_record(sl_web_visit *visit) {
    sl_camera_view camera;
    sl_recording recording;
    enum MHD_Result answered;
    sl_recorder *recorder = visit->web->settings.recorder;
    if (!sl_web_find_camera(visit, &camera, &answered))
        return answered;
    if (!recorder)
        return sl_web_refuse(visit, MHD_HTTP_CONFLICT,
                             "nothing can be recorded: start the viewer with --record DIRECTORY");
    if (act(&visit->task, recorder, camera.port) < 0)
        return sl_web_refuse(visit, MHD_HTTP_CONFLICT, sl_error());
    sl_web_recording(visit->web, &camera, &recording);
    return sl_web_answer_text(visit, MHD_HTTP_OK, "application/json",
                              sl_web_json_write(sl_web_json_recording(&recording)));
}
