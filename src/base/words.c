/* base: what states and reasons are called, in figures and logs: rooms that don't know each other
 * tell of them alike. */
#include "base/settings.h"
#include <sightline/stats.h>
#include <sightline/tunnel.h>
#include <sightline/view.h>

#define WORD(name, word, meaning) word,

const char *sl_drop_name(sl_drop drop) {
    static const char *const words[] = {SL_DROP_MAP(WORD)};
    return (size_t)drop < SL_DROPS ? words[drop] : "unknown";
}

const char *sl_view_state_name(sl_view_state state) {
    static const char *const words[] = {SL_VIEW_STATE_MAP(WORD)};
    return (size_t)state < SL_VIEW_STATES ? words[state] : "unknown";
}

const char *sl_view_codec_name(sl_format format) {
    switch (format) {
    case SL_FORMAT_NONE:
        return NULL;
    case SL_FORMAT_JPEG:
        return "jpeg";
    case SL_FORMAT_H264:
        return "h264";
    case SL_FORMAT_HEVC:
        return "hevc";
    case SL_FORMAT_AV1:
        return "av1";
    default:
        return "raw";
    }
}

const char *sl_tunnel_state_name(sl_tunnel_state state) {
    static const char *const words[] = {
        [SL_TUNNEL_NONE] = "none",
        [SL_TUNNEL_RESOLVING] = "resolving",
        [SL_TUNNEL_CONNECTING] = "connecting",
        [SL_TUNNEL_VERIFYING] = "verifying",
        [SL_TUNNEL_AUTHENTICATING] = "authenticating",
        [SL_TUNNEL_FORWARDING] = "forwarding",
        [SL_TUNNEL_UP] = "up",
        [SL_TUNNEL_WAITING] = "waiting",
    };
    return (size_t)state < SL_COUNT(words) ? words[state] : "unknown";
}
