/* cli: the settings of a camera end. */
#include "camera_end.h"
#include "viewer_end.h"

#include <sightline/sightline.h>
#include <stdio.h>
#include <string.h>

void camera_end_init(struct camera_end *end) {
    sl_sender_settings_init(&end->sender);
    sl_source_settings_init(&end->source);
    end->sender.link.pattern = USUAL_PATTERN;
    end->paired = false;
}

void camera_end_finish(struct camera_end *end) {
    sl_settings_finish(&end->sender);
    sl_settings_finish(&end->source);
}

/* From the configuration file and what was typed. */
static int apply(struct camera_end *end, struct options *options) {
    struct viewer_end other;
    void *own[] = {&end->sender, &end->source};
    void *others[] = {&other.receiver, &other.sink, &other.recorder, &other.web};
    viewer_end_init(&other);
    int code = options_apply(options, own, 2, others, 4);
    viewer_end_finish(&other);
    return code;
}

/* The same, beginning with where the viewer is that this camera was paired with. */
static int apply_paired(struct camera_end *end, struct options *options, const char *path) {
    void *sender = &end->sender;
    camera_end_finish(end);
    camera_end_init(end);
    end->paired = true;
    int code = sl_settings_load(&sender, 1, path);
    if (code < 0) {
        snprintf(options->sentence, sizeof(options->sentence), "%s", sl_error());
        return code;
    }
    return apply(end, options);
}

/* Whether one of the destinations sets an option itself: `option` is ",NAME=". */
static bool one_sets(const sl_sender_settings *sender, const char *option) {
    return sender->destinations && strstr(sender->destinations, option);
}

/* What the live pattern makes of what is NetGear's: JPEG is one codec of several there, for who
 * asks for it, and nothing goes raw or has a message. */
static int suit_live(struct camera_end *end, struct options *options) {
    sl_codec_settings *codec = &end->sender.codec;
    bool asked = options_typed(options, "jpeg_compression") != NULL;
    const char *video = options_typed(options, "video_codec");
    if (end->sender.link.pattern != SL_PATTERN_LIVE)
        return SL_OK;
    if (options->message)
        snprintf(options->sentence, sizeof(options->sentence),
                 "--message does nothing without " NEEDS_NETGEAR);
    else if (asked && !codec->jpeg)
        snprintf(options->sentence, sizeof(options->sentence),
                 "raw frames (--raw) go with the patterns pair, reqrep and pubsub, not with live, "
                 "the default; choose one with --pattern");
    else if (asked && video && strcmp(video, "jpeg") != 0)
        snprintf(options->sentence, sizeof(options->sentence),
                 "JPEG (--jpeg) and video_codec=%.20s contradict each other; give one of them",
                 video);
    else if (asked)
        codec->video_codec = SL_VIDEO_JPEG;
    return options->sentence[0] ? SL_EINVAL : SL_OK;
}

/* Whether all that was typed can have an effect. */
static int check_effect(struct camera_end *end, struct options *options) {
    const sl_sender_settings *sender = &end->sender;
    const sl_link_settings *link = &sender->link;
    /* Which pattern an invitation brings is seen when it is accepted. */
    bool any = options->join && !end->paired;
    if (!any && suit_live(end, options) < 0)
        return SL_EINVAL;
    bool ssh = sender->tunnel.destination || options->join || one_sets(sender, ",ssh=") ||
               one_sets(sender, ",ssh_tunnel_mode=");
    bool live = link->pattern == SL_PATTERN_LIVE;
    bool replies = (!live && link->pattern != SL_PATTERN_PUBSUB) || one_sets(sender, ",pattern=");
    bool steered = any || live || (replies && sender->codec.jpeg);
    bool jpeg = any || !live || sender->codec.video_codec == SL_VIDEO_JPEG;
    bool multi =
        link->multiserver_mode || link->multiclient_mode || one_sets(sender, ",multiserver_mode=");
    const struct reliance reliances[] = {
        {"ssh_", ssh, "an SSH server on the way (--ssh)"},
        {"persist", ssh, "an SSH server on the way (--ssh)"},
        {"jpeg_compression_", sender->codec.jpeg, "JPEG; leave out --raw"},
        {"jpeg_compression_", jpeg, "JPEG (--jpeg): with the pattern live frames go as video"},
        {"subscriber_timeout", false, "a viewer to end: give it there"},
        {"request_timeout", any || replies, NEEDS_REPLIES},
        {"max_retries", any || replies, NEEDS_REPLIES},
        {"camera_name", any || live || options->join, NEEDS_LIVE},
        {"max_age", steered, NEEDS_ANSWERS},
        {"min_fps", steered, NEEDS_ANSWERS},
        {"max_rate", any || live, NEEDS_LIVE},
        {"data_cap", any || live, NEEDS_LIVE},
        {"prefer", steered, NEEDS_ANSWERS},
        {"min_quality", steered && jpeg, NEEDS_JPEG},
        {"video_", any || live, NEEDS_LIVE},
        {"port_text", multi, NEEDS_MULTI},
        {"custom_cert_location", link->secure_mode || one_sets(sender, ",secure_mode="),
         NEEDS_SECURE},
    };
    bool all = options_check_effect(options, reliances, sizeof(reliances) / sizeof(reliances[0]));
    return all ? SL_OK : SL_EINVAL;
}

/* Where the viewer is, if that is said; else it is the one that this camera was paired with. */
static int place(struct camera_end *end, struct options *options) {
    char path[4096];
    const sl_sender_settings *sender = &end->sender;
    bool told = sender->tunnel.destination || sender->link.address || sender->destinations;
    if (options->join && told) {
        snprintf(options->sentence, sizeof(options->sentence),
                 "--join says where the viewer is, and so does an address, ssh or a destination; "
                 "leave those out, in the configuration file too");
        return SL_EINVAL;
    }
    if (options->join && sender->tunnel.jump) {
        snprintf(
            options->sentence, sizeof(options->sentence),
            "--join goes to the viewer's gate itself, not through jump hosts; leave those out, "
            "or put the camera's key into the viewer's authorized keys by hand");
        return SL_EINVAL;
    }
    if (told || options->join || sl_pair_viewer(path, sizeof(path)) < 0)
        return SL_OK;
    return apply_paired(end, options, path);
}

int camera_end_apply(struct camera_end *end, struct options *options) {
    int code = apply(end, options);
    if (code == SL_OK)
        code = place(end, options);
    return code < 0 ? code : check_effect(end, options);
}

int camera_end_join(struct camera_end *end, struct options *options, sl_cancel *cancel) {
    struct camera_end joined;
    char path[4096];
    if (!options->join)
        return SL_OK;
    int code = sl_pair_join(options->join, options_typed(options, "camera_name"), cancel);
    if (code == SL_OK)
        code = sl_pair_viewer(path, sizeof(path));
    if (code < 0) {
        snprintf(options->sentence, sizeof(options->sentence), "%s", sl_error());
        return code;
    }
    camera_end_init(&joined);
    code = apply_paired(&joined, options, path);
    if (code == SL_OK)
        code = check_effect(&joined, options);
    /* The source is open, with settings of its own. */
    sl_settings_finish(&joined.source);
    sl_settings_finish(&end->sender);
    end->sender = joined.sender;
    end->paired = true;
    return code;
}
