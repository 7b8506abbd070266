/* stream: what a receiver can be told, and what of it goes together. */
#include <sightline/receiver.h>

#include "base/error.h"
#include "base/settings.h"
#include "codec/codec.h"
#include "link/link.h"
#include "stream/place.h"
#include "stream/threads.h"
#include "tunnel/gate.h"
#include "tunnel/tunnel.h"

#include <pthread.h>
#include <string.h>

#define SMOOTH_MOST_MS 2000

static const sl_option receiver_options[] = {
    {.name = "every_frame",
     .type = SL_OPTION_BOOL,
     .offset = offsetof(sl_receiver_settings, every_frame),
     .fallback = "false",
     .help = "pubsub: hand out every frame from a bounded queue, instead of the newest"},
    {.name = "timecode",
     .type = SL_OPTION_BOOL,
     .offset = offsetof(sl_receiver_settings, timecode),
     .fallback = "false",
     .help = "Read the timecode from the picture and measure how old frames are"},
    {.name = "decoder_threads",
     .type = SL_OPTION_INT,
     .offset = offsetof(sl_receiver_settings, threads),
     .maximum = SL_THREADS_MAX,
     .fallback = "0",
     .help = "Threads that decode; 0 is one a core, at most four"},
    {.name = "full_size",
     .type = SL_OPTION_BOOL,
     .offset = offsetof(sl_receiver_settings, full_size),
     .fallback = "true",
     .help = "live: scale pictures back that a camera made smaller for a narrow link"},
    {.name = "smooth",
     .type = SL_OPTION_INT,
     .offset = offsetof(sl_receiver_settings, smooth_ms),
     .maximum = SMOOTH_MOST_MS,
     .fallback = "0",
     .values = "0 to 2000 ms",
     .help = "live: show frames evenly, so many ms after the quickest could be; 0 is at once"},
};

static sl_option_group groups[6];

static void fill_groups(void) {
    groups[0] = (sl_option_group){"Link", sl_link_options, sl_link_option_count,
                                  offsetof(sl_receiver_settings, link)};
    groups[1] = (sl_option_group){"Tunnel", sl_tunnel_options, sl_tunnel_option_count,
                                  offsetof(sl_receiver_settings, tunnel)};
    groups[2] = (sl_option_group){"Codec", sl_codec_options, sl_codec_option_count,
                                  offsetof(sl_receiver_settings, codec)};
    groups[3] = (sl_option_group){"Receiver", receiver_options, SL_COUNT(receiver_options), 0};
    groups[4] = (sl_option_group){"Gate", sl_gate_options, sl_gate_option_count,
                                  offsetof(sl_receiver_settings, gate)};
}

void sl_receiver_settings_init(sl_receiver_settings *settings) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fill_groups);
    sl_settings_init(settings, sizeof *settings, groups);
}

sl_tunnel_target sl_receiver_target(const sl_link_settings *link) {
    bool all = !link->address || strcmp(link->address, "*") == 0;
    sl_link_ports ports;
    sl_link_ports_read(&ports, link);
    return (sl_tunnel_target){.host = all ? "" : link->address, .port = ports.all[0]};
}

int sl_receiver_check(const sl_receiver_settings *settings) {
    const sl_gate_settings *gate = &settings->gate;
    bool ssh = settings->tunnel.destination != NULL;
    if (gate->listen && ssh)
        return sl_fail(SL_EINVAL, "a viewer has a gate or an SSH server that listens in its place; "
                                  "leave one of the two out");
    if (gate->listen && settings->link.protocol == SL_PROTOCOL_IPC)
        return sl_fail(SL_EINVAL, "the gate carries tcp alone; leave out the protocol ipc");
    if (!gate->listen && (gate->authorized_keys || gate->password_file))
        return sl_fail(SL_EINVAL, "keys and passwords guard a gate (--authorized-keys, "
                                  "gate_password_file), and there is none; open it with --gate");
    if (ssh && settings->link.protocol != SL_PROTOCOL_TCP)
        return sl_fail(SL_EINVAL, "an SSH server listens on a TCP port; leave protocol at tcp");
    int result = sl_link_check_modes(&settings->link, SL_ROLE_RECEIVER);
    return result || gate->listen || ssh ? result : sl_tunnel_check(&settings->tunnel, NULL);
}
