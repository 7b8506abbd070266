/* cli: the settings of a viewer end. */
#include "viewer_end.h"

#include <sightline/error.h>
#include <sightline/sender.h>
#include <sightline/source.h>

void viewer_end_init(struct viewer_end *end) {
    sl_receiver_settings_init(&end->receiver);
    sl_sink_settings_init(&end->sink);
    sl_recorder_settings_init(&end->recorder);
    sl_web_settings_init(&end->web);
    end->receiver.link.pattern = USUAL_PATTERN;
}

void viewer_end_finish(struct viewer_end *end) {
    sl_settings_finish(&end->receiver);
    sl_settings_finish(&end->sink);
    sl_settings_finish(&end->recorder);
    sl_settings_finish(&end->web);
}

int viewer_end_apply(struct viewer_end *end, struct options *options) {
    sl_sender_settings sender;
    sl_source_settings source;
    void *own[] = {&end->receiver, &end->sink, &end->recorder, &end->web};
    void *others[] = {&sender, &source};
    sl_sender_settings_init(&sender);
    sl_source_settings_init(&source);
    int code = options_apply(options, own, 4, others, 2);
    sl_settings_finish(&sender);
    sl_settings_finish(&source);
    return code;
}

int viewer_end_check(const struct viewer_end *end, struct options *options) {
    const sl_receiver_settings *receiver = &end->receiver;
    const sl_link_settings *link = &receiver->link;
    bool ssh = receiver->tunnel.destination != NULL;
    bool pubsub = link->pattern == SL_PATTERN_PUBSUB, live = link->pattern == SL_PATTERN_LIVE;
    bool replies = !pubsub && !live, page = end->web.listen != NULL;
    bool records = page || end->recorder.directory;
    const struct reliance reliances[] = {
        {"ssh_", ssh, "an SSH server to listen at (--ssh)"},
        {"persist", ssh, "an SSH server to listen at (--ssh)"},
        {"gate_", receiver->gate.listen != NULL, "a gate (--gate)"},
        {"every_frame", pubsub,
         "the pattern pubsub (--pattern pubsub); pair and reqrep hand every frame out anyway, and "
         "live the newest"},
        {"subscriber_timeout", !replies,
         "the pattern live or pubsub; with others give max_retries"},
        {"request_timeout", replies, NEEDS_REPLIES},
        {"max_retries", replies, NEEDS_REPLIES},
        {"decoder_threads", !live, NEEDS_NETGEAR},
        {"full_size", live, NEEDS_LIVE},
        {"smooth", live, NEEDS_LIVE},
        {"web_", page, "a page (--web)"},
        {"record_before", page, "a page (--web), where somebody asks for a recording"},
        {"record_", records, "recordings (--record, or a page with --web)"},
        {"port_text", link->multiserver_mode || link->multiclient_mode, NEEDS_MULTI},
        {"custom_cert_location", link->secure_mode != 0, NEEDS_SECURE},
    };
    bool all = options_check_effect(options, reliances, sizeof(reliances) / sizeof(reliances[0]));
    return all ? SL_OK : SL_EINVAL;
}
