/* cli: the settings of a viewer end. */
#include "viewer_end.h"

#include <sightline/error.h>
#include <sightline/sender.h>
#include <sightline/source.h>

void viewer_end_init(struct viewer_end *end) {
    sl_receiver_settings_init(&end->receiver);
    sl_sink_settings_init(&end->sink);
}

void viewer_end_finish(struct viewer_end *end) {
    sl_settings_finish(&end->receiver);
    sl_settings_finish(&end->sink);
}

int viewer_end_apply(struct viewer_end *end, struct options *options) {
    sl_sender_settings sender;
    sl_source_settings source;
    void *own[] = {&end->receiver, &end->sink}, *others[] = {&sender, &source};
    sl_sender_settings_init(&sender);
    sl_source_settings_init(&source);
    int code = options_apply(options, own, 2, others, 2);
    sl_settings_finish(&sender);
    sl_settings_finish(&source);
    return code;
}

int viewer_end_check(const struct viewer_end *end, struct options *options) {
    const sl_receiver_settings *receiver = &end->receiver;
    const sl_link_settings *link = &receiver->link;
    bool ssh = receiver->tunnel.destination != NULL;
    bool pubsub = link->pattern == SL_PATTERN_PUBSUB;
    const struct reliance reliances[] = {
        {"ssh_", ssh, "an SSH server to listen at (--ssh)"},
        {"persist", ssh, "an SSH server to listen at (--ssh)"},
        {"gate_", receiver->gate.listen != NULL, "a gate (--gate)"},
        {"every_frame", pubsub, "the pattern pubsub; with others every frame is handed out anyway"},
        {"full_size", link->pattern == SL_PATTERN_LIVE, NEEDS_LIVE},
        {"smooth", link->pattern == SL_PATTERN_LIVE, NEEDS_LIVE},
        {"subscriber_timeout", pubsub, "the pattern pubsub; with others give max_retries"},
        {"request_timeout", !pubsub, NEEDS_REPLIES},
        {"max_retries", !pubsub, NEEDS_REPLIES},
        {"port_text", link->multiserver_mode || link->multiclient_mode, NEEDS_MULTI},
        {"custom_cert_location", link->secure_mode != 0, NEEDS_SECURE},
    };
    bool all = options_check_effect(options, reliances, sizeof(reliances) / sizeof(reliances[0]));
    return all ? SL_OK : SL_EINVAL;
}
