/* cli: `sightline send`, the camera end. */
#include "ask.h"
#include "camera_end.h"
#include "command.h"
#include "console.h"
#include "destinations.h"
#include "exchange.h"
#include "interrupt.h"
#include "moment.h"
#include "options.h"
#include "report.h"

#include <inttypes.h>
#include <sightline/sightline.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define LOOK_MS           1000  /* the longest wait for anything, so that --duration is kept */
#define SOURCE_MS         250   /* the same for a frame, so that a source that goes is noticed */
#define FIRST_PATIENCE_MS 700   /* before it is said that a viewer is waited for */
#define PATIENCE_MS       10000 /* between saying so again */
#define ROOM_MS           5 /* a live frame waits so long for room before a newer one is sought */
#define LAST_FLUSH_MS     1000 /* for frames under way when --duration is over */
#define AWAY_MS           100  /* the same while no viewer is there */

#define SOURCE_AWAY "the source is gone; it is opened again as soon as it is back"

struct sending {
    struct options options;
    struct camera_end end;
    struct report report;
    sl_cancel *cancel;
    sl_source *source;
    sl_sender *sender;
    struct destinations destinations; /* of --to */
    atomic_uint_fast64_t skipped;     /* live frames read, and let go for a newer one */
    atomic_uint_fast64_t unseen;      /* what was let go while no viewer was there */
    atomic_int_fast64_t lost_us;      /* since when the source is away; 0: it is there */
    int64_t until_us;                 /* --duration; -1: never */
    const char *reason;               /* why it ended, when all is well */
    char sentence[1024];              /* what went wrong */
};

/* Keeps the library's sentence of a failure. */
static int failed(struct sending *sending, int code) {
    snprintf(sending->sentence, sizeof(sending->sentence), "%s", sl_error());
    return code;
}

/* How many of the source's frames made way for newer ones before they could be sent. */
static uint64_t let_go(const struct sending *sending) {
    sl_source_stats source;
    sl_source_stats_get(sending->source, &source);
    return source.dropped + atomic_load(&sending->skipped);
}

static void look(void *user, sl_stats *stats) {
    struct sending *sending = user;
    sl_sender_stats(sending->sender, stats);
    destinations_look(&sending->destinations, sending->sender);
    uint64_t unseen = atomic_load(&sending->unseen), all = let_go(sending);
    stats->dropped += all;
    stats->drops[SL_DROP_SKIPPED] += all - unseen;
    stats->drops[SL_DROP_AWAY] += unseen;
    int64_t lost_us = atomic_load(&sending->lost_us);
    sending->report.lost_s = lost_us ? (double)(now_us() - lost_us) / 1e6 : 0;
}

/* What the source should deliver, so that the least work is left. (Which pattern an invitation
 * brings is not known yet.) */
static sl_deliver wanted_pixels(const struct sending *sending) {
    const sl_codec_settings *codec = &sending->end.sender.codec;
    if (sending->end.sender.link.pattern == SL_PATTERN_LIVE && !sending->options.join)
        return SL_DELIVER_ANY;
    if (!codec->jpeg)
        return SL_DELIVER_BGR;
    return codec->colorspace == SL_COLORSPACE_GRAY ? SL_DELIVER_GRAY : SL_DELIVER_ANY;
}

/* In which format the source's own video may go on as it came; not past an encoder that was named.
 */
static sl_format wanted_video(const struct sending *sending) {
    const sl_sender_settings *sender = &sending->end.sender;
    const sl_codec_settings *codec = &sender->codec;
    bool live = sender->link.pattern == SL_PATTERN_LIVE && !sending->options.join;
    bool named = codec->video_encoder && strcmp(codec->video_encoder, "auto") != 0;
    if (!live || !codec->video_copy || named)
        return SL_FORMAT_NONE;
    if (codec->video_codec == SL_VIDEO_HEVC)
        return SL_FORMAT_HEVC;
    return codec->video_codec <= SL_VIDEO_H264 ? SL_FORMAT_H264 : SL_FORMAT_NONE;
}

/* Keeps the sentence that the options have for a failure. */
static int refused(struct sending *sending, int code) {
    snprintf(sending->sentence, sizeof(sending->sentence), "%s", sending->options.sentence);
    return code;
}

/* Where the viewer is, and who may be asked on the way there. */
static int place(struct sending *sending) {
    sl_sender_settings *sender = &sending->end.sender;
    sender->cancel = sending->cancel;
    sending->report.about.pattern = sl_pattern_name(sender->link.pattern);
    return ask_for(&sender->tunnel, sending->cancel, sending->sentence, sizeof(sending->sentence))
               ? SL_OK
               : SL_EINVAL;
}

static int apply_settings(struct sending *sending) {
    sl_source_settings *source = &sending->end.source;
    int code = camera_end_apply(&sending->end, &sending->options);
    if (code < 0)
        return refused(sending, code);
    const char *operand = sending->options.operand;
    if (operand && strncmp(operand, "sightline:", strlen("sightline:")) == 0) {
        snprintf(sending->sentence, sizeof(sending->sentence),
                 "that is an invitation and no source; give it with --join");
        return SL_EINVAL;
    }
    if (operand)
        source->source = operand;
    if (!source->source)
        source->source = "0";
    source->deliver = wanted_pixels(sending);
    source->video = wanted_video(sending);
    source->cancel = sending->cancel;
    code = exchange_check(&sending->options);
    if (code == SL_OK)
        code = sl_sender_check(&sending->end.sender);
    return code < 0 ? failed(sending, code) : place(sending);
}

/* Accepts the invitation, if there is one, and says where the frames go. */
static int join(struct sending *sending) {
    console_connecting(sending->options.join ? "the viewer" : NULL);
    int code = camera_end_join(&sending->end, &sending->options, sending->cancel);
    console_progress("");
    if (code < 0)
        return refused(sending, code);
    const char *viewer = sending->end.sender.tunnel.destination;
    if (sending->options.join)
        console_say("paired with the viewer at %s; from now on `sightline send` finds it by itself",
                    viewer);
    else if (sending->end.paired)
        console_say("going to the viewer at %s, with which this camera was paired; --address HOST "
                    "goes elsewhere",
                    viewer);
    return sending->options.join ? place(sending) : SL_OK;
}

/* Source first: it is quick, and a camera that isn't there needs no tunnel and uses up no
 * invitation. */
static int open_both(struct sending *sending) {
    int code = sl_source_open(&sending->source, &sending->end.source);
    if (code < 0)
        return failed(sending, code);
    code = join(sending);
    if (code < 0)
        return code;
    bool several = sending->end.sender.destinations || sending->end.sender.link.ports;
    console_connecting(several ? "all destinations" : sending->end.sender.tunnel.destination);
    code = sl_sender_open(&sending->sender, &sending->end.sender);
    console_progress("");
    if (code == SL_OK && several && !destinations_open(&sending->destinations, sending->sender))
        code = SL_ENOMEM;
    if (code == SL_OK && several)
        report_destinations(&sending->report, &sending->destinations);
    return code < 0 ? failed(sending, code) : SL_OK;
}

static void say_waiting(const struct sending *sending, const sl_destination *first) {
    if (sending->destinations.count > 1)
        console_say("waiting for a viewer at any of %zu destinations, %s first",
                    sending->destinations.count, first->name);
    else
        console_say("waiting for a viewer at %s%s%s", first->endpoint,
                    first->ssh ? ", as seen from " : "", first->ssh ? first->ssh : "");
}

/* Waits until a viewer is there, and says so while it takes long. */
static int wait_for_viewer(struct sending *sending, const sl_destination *first) {
    int64_t say_us = moment_in(FIRST_PATIENCE_MS / 1e3);
    for (;;) {
        if (moment_passed(sending->until_us)) {
            sending->reason = "duration";
            return SL_EEND;
        }
        int64_t next_us = say_us;
        if (sending->until_us >= 0 && sending->until_us < next_us)
            next_us = sending->until_us;
        int code = sl_sender_wait(sending->sender, moment_wait_ms(next_us, PATIENCE_MS));
        if (code != SL_EAGAIN)
            return code < 0 ? failed(sending, code) : SL_OK;
        if (!moment_passed(say_us))
            continue;
        say_waiting(sending, first);
        say_us = moment_in(PATIENCE_MS / 1e3);
    }
}

/* Tells the viewer when the source is away, and that it is back. */
static void note_source(struct sending *sending) {
    sl_source_stats source;
    sl_source_stats_get(sending->source, &source);
    bool lost = atomic_load(&sending->lost_us) != 0;
    if (source.away != lost)
        atomic_store(&sending->lost_us, source.away ? now_us() : 0);
    if (lost && !source.away)
        console_say("the source is back");
    /* Each time: a frame of before, which had waited for room, would have said that it is back. */
    if (source.away || lost)
        sl_sender_lost(sending->sender, source.away ? SOURCE_AWAY : NULL);
}

/* The source's next frame, with its message. */
static int read_frame(struct sending *sending, sl_frame **frame, int timeout_ms) {
    note_source(sending);
    int code = sl_source_read(sending->source, frame, timeout_ms);
    if (code == SL_OK)
        code = exchange_attach(frame, &sending->options);
    if (code < 0)
        sl_frame_unref(frame);
    return code;
}

/* What the last reply brought, if it brought anything. */
static void tell_returned(struct sending *sending) {
    sl_frame *returned = NULL;
    if (sl_sender_returned(sending->sender, &returned) == SL_OK)
        report_exchange(&sending->report, "returned", returned);
    sl_frame_unref(&returned);
}

/* Puts a newer frame of a live source in the place of one that found no room. False when the
 * source has no more. */
static bool renew(struct sending *sending, sl_frame **frame) {
    sl_frame *newer = NULL;
    int code = read_frame(sending, &newer, 0);
    if (code == SL_OK) {
        sl_frame_unref(frame);
        *frame = newer;
        atomic_fetch_add(&sending->skipped, 1);
    }
    return code == SL_OK || code == SL_EAGAIN;
}

/* Whether a frame that finds no room makes way for the next. A file in the live pattern is as good
 * as a camera, unless it is to be read as fast as it can be sent. */
static bool skips(const struct sending *sending) {
    bool live = sending->end.sender.link.pattern == SL_PATTERN_LIVE;
    return sl_source_live(sending->source) || (live && !sending->end.source.unpaced);
}

/* Hands a frame over, or of a live source a newer one. SL_EAGAIN when --duration is over first. */
static int push(struct sending *sending, sl_frame **frame) {
    bool live = skips(sending);
    for (;;) {
        uint64_t before = let_go(sending);
        int wait_ms = live ? ROOM_MS : moment_wait_ms(sending->until_us, LOOK_MS);
        int code = sl_sender_send(sending->sender, *frame, wait_ms);
        if (code != SL_EAGAIN)
            return code < 0 ? failed(sending, code) : SL_OK;
        if (moment_passed(sending->until_us))
            return SL_EAGAIN;
        if (!live)
            continue;
        code = sl_sender_wait(sending->sender, AWAY_MS);
        if (code < 0 && code != SL_EAGAIN)
            return failed(sending, code);
        live = renew(sending, frame);
        if (code == SL_EAGAIN)
            atomic_fetch_add(&sending->unseen, let_go(sending) - before);
    }
}

/* Until all that was taken is with the viewer or given up. */
static int flush(struct sending *sending) {
    for (;;) {
        int code = sl_sender_flush(sending->sender, moment_wait_ms(sending->until_us, LOOK_MS));
        if (code != SL_EAGAIN)
            return code < 0 ? failed(sending, code) : SL_OK;
        if (moment_passed(sending->until_us))
            return SL_OK;
    }
}

/* Whether --frames is reached once `taken` frames are through; what was let go on the way is made
 * up for by a later `target`. */
static int check_target(struct sending *sending, uint64_t taken, uint64_t *target) {
    uint64_t wanted = sending->options.frames;
    sl_stats stats;
    if (wanted == 0 || taken < *target)
        return SL_OK;
    int code = flush(sending);
    if (code < 0)
        return code;
    sl_sender_stats(sending->sender, &stats);
    if (stats.frames >= wanted) {
        sending->reason = "frames";
        return SL_EEND;
    }
    *target = taken + (wanted - stats.frames);
    return SL_OK;
}

static int send_next(struct sending *sending, uint64_t *taken) {
    sl_frame *frame = NULL;
    int code = read_frame(sending, &frame, moment_wait_ms(sending->until_us, SOURCE_MS));
    if (code == SL_EAGAIN)
        return SL_OK;
    if (code == SL_EEND) {
        code = flush(sending);
        sending->reason = "source ended";
        return code < 0 ? code : SL_EEND;
    }
    if (code < 0)
        return failed(sending, code);
    code = push(sending, &frame);
    sl_frame_unref(&frame);
    tell_returned(sending);
    if (code == SL_OK)
        ++*taken;
    return code == SL_EAGAIN ? SL_OK : code;
}

/* --duration is over: what was taken may still arrive, and count. */
static int end_in_time(struct sending *sending) {
    sending->reason = "duration";
    sending->until_us = moment_in(LAST_FLUSH_MS / 1e3);
    int code = flush(sending);
    return code < 0 ? code : SL_EEND;
}

static int send_frames(struct sending *sending) {
    uint64_t taken = 0, target = sending->options.frames;
    int code = SL_OK;
    while (code == SL_OK) {
        if (moment_passed(sending->until_us))
            return end_in_time(sending);
        code = send_next(sending, &taken);
        if (code == SL_OK)
            code = check_target(sending, taken, &target);
    }
    return code;
}

static int stream(struct sending *sending) {
    sl_destination first;
    int code = open_both(sending);
    if (code < 0)
        return code;
    sl_sender_destination(sending->sender, 0, &first);
    report_place(&sending->report, first.link, true, first.link->port);
    sending->until_us = moment_in(sending->options.duration_s);
    console_say("the source gives %s", sl_source_describe(sending->source));
    report_begin(&sending->report, look, sending);
    code = wait_for_viewer(sending, &first);
    if (code < 0)
        return code;
    atomic_store(&sending->unseen, let_go(sending));
    report_ready(&sending->report, first.link, first.ssh, first.link->port, NULL);
    return send_frames(sending);
}

/* Whether what ended it is how it should end. */
static int verdict(struct sending *sending, int code) {
    if (code == SL_ECANCELED || (code < 0 && interrupted())) {
        sending->reason = "interrupted";
        return SL_OK;
    }
    if (code == SL_EEND && sending->reason)
        return SL_OK;
    if (code == SL_EEND) {
        sending->reason = "peer ended";
        return SL_OK;
    }
    return code;
}

static int finish(struct sending *sending, int code) {
    sl_stats stats = {.latency = {-1, -1, -1, -1, -1}};
    report_stop(&sending->report);
    if (sending->sender) {
        sl_sender_finish(sending->sender);
        tell_returned(sending);
        look(sending, &stats);
    }
    code = verdict(sending, code);
    int status = report_end(&sending->report, &stats, code, sending->reason, sending->sentence);
    destinations_finish(&sending->destinations);
    sl_sender_close(&sending->sender);
    sl_source_close(&sending->source);
    camera_end_finish(&sending->end);
    options_finish(&sending->options);
    return status;
}

int run_send(int count, char **words) {
    struct sending sending = {.until_us = -1};
    bool understood = options_read(&sending.options, FOR_SEND, count, words);
    if (understood && sending.options.help) {
        options_finish(&sending.options);
        return run_help(2, (char *[]){words[0], words[0]});
    }
    console_set_level(sending.options.log);
    camera_end_init(&sending.end);
    int code = SL_EINVAL;
    if (!report_open(&sending.report, "sender", sending.options.stats, sending.sentence,
                     sizeof(sending.sentence)))
        return finish(&sending, SL_ESYSTEM);
    if (!understood) {
        snprintf(sending.sentence, sizeof(sending.sentence), "%s", sending.options.sentence);
        return finish(&sending, code);
    }
    code = sl_cancel_open(&sending.cancel);
    if (code < 0)
        return finish(&sending, failed(&sending, code));
    interrupt_watch(sending.cancel);
    code = apply_settings(&sending);
    if (code == SL_OK)
        code = stream(&sending);
    return finish(&sending, code);
}
