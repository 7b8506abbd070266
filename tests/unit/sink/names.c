/* What the sinks' room has from other rooms by public headers, for tests that are linked without
 * those. */
#include <sightline/stats.h>
#include <sightline/tunnel.h>
#include <sightline/view.h>

const char *sl_drop_name(sl_drop drop) {
    static const char *const names[] = {"skipped", "newer", "away", "lost", "unusable", "unshown"};
    return names[drop];
}

const char *sl_tunnel_state_name(sl_tunnel_state state) {
    return state == SL_TUNNEL_UP ? "up" : "waiting";
}

const char *sl_view_state_name(sl_view_state state) {
    static const char *const names[] = {"live", "unwatched", "silent", "lost", "gone"};
    return names[state];
}
