/* cli: the cameras that a viewer knows, looked at each second. */
#ifndef CLI_ROSTER_H
#define CLI_ROSTER_H

#include <sightline/receiver.h>
#include <stdbool.h>

/* How a camera did when that was last told of. */
struct roster_word {
    char port[sizeof(((sl_camera_view *)0)->port)];
    sl_view_state state;
};

struct roster {
    bool own;            /* connections are not told of beside it: a lone camera is, too */
    sl_camera_view *now; /* by the last look; NULL: none are looked at */
    size_t count;
    struct roster_word *told;
    size_t told_count;
};

/* False when memory is short. */
bool roster_open(struct roster *roster, bool own);

/* Nothing when it isn't open. */
void roster_look(struct roster *roster, const sl_receiver *receiver);

/* Says which cameras are lost, gone and back since it was called last; not more than a person can
 * read, whatever cameras do. */
void roster_tell(struct roster *roster);

void roster_finish(struct roster *roster);

#endif
