/* stream: the messages that a user gives to frames. Here, because frames know no JSON. */
#include <sightline/frame.h>

#include "base/error.h"
#include "frame/frame.h"
#include "wire/netgear.h"

int sl_frame_set_message(sl_frame *frame, const char *json) {
    if (!sl_frame_sole(frame))
        return sl_fail(SL_EINVAL, "a frame that others hold too can't be given a message; see "
                                  "sl_frame_with_message()");
    int result = json ? sl_netgear_check_json(json) : SL_OK;
    return result ? result : sl_frame_put_message(frame, json);
}

int sl_frame_with_message(sl_frame **with, const sl_frame *frame, const char *json) {
    *with = NULL;
    int result = json ? sl_netgear_check_json(json) : SL_OK;
    if (!result)
        result = sl_frame_share(with, frame);
    if (!result)
        result = sl_frame_put_message(*with, json);
    if (result)
        sl_frame_unref(with);
    return result;
}
