/* cli: `sightline view`, the viewer end. */
#include "ask.h"
#include "command.h"
#include "console.h"
#include "exchange.h"
#include "faces.h"
#include "interrupt.h"
#include "moment.h"
#include "options.h"
#include "report.h"
#include "viewer_end.h"

#include <inttypes.h>
#include <limits.h>
#include <sightline/sightline.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MS   1000 /* the longest wait for a frame, so that --duration is kept */
#define WINDOW_MS 15   /* the same while a window waits for its events */
#define STATUS_US 1000000
#define TELL_US   200000 /* so that a window's seconds count evenly */

struct viewing {
    struct options options;
    struct viewer_end end;
    struct report report;
    sl_cancel *cancel;
    sl_receiver *receiver;
    sl_sink *sink;
    struct faces faces;
    struct roster roster;
    atomic_uint_fast64_t not_shown; /* frames that the sink let go; told to the report's thread */
    int64_t until_us;               /* --duration; -1: never */
    int64_t patience_us;            /* --timeout, from the last frame on; -1: for ever */
    const char *reason;             /* why it ended, when all is well */
    char sentence[1024];            /* what went wrong */

    bool ready;     /* where camera ends find it is known, and told */
    uint64_t taken; /* frames handed to the sink */
    int width, height;
    int64_t status_us; /* when the sink was last told how it goes */
    uint64_t status_frames;
    int64_t told_us; /* when it was told how its cameras do */
    sl_camera_view cameras[SL_VIEWS_MAX];
};

/* Keeps the library's sentence of a failure. */
static int failed(struct viewing *viewing, int code) {
    snprintf(viewing->sentence, sizeof(viewing->sentence), "%s", sl_error());
    return code;
}

static void look(void *user, sl_stats *stats) {
    struct viewing *viewing = user;
    sl_receiver_stats(viewing->receiver, stats);
    uint64_t not_shown = atomic_load(&viewing->not_shown);
    stats->dropped += not_shown;
    stats->drops[SL_DROP_UNSHOWN] += not_shown;
    roster_look(&viewing->roster, viewing->receiver);
    if (moment_passed(viewing->until_us)) /* the sink may be waiting for a reader that is stuck */
        sl_cancel_trigger(viewing->cancel);
}

static bool has_display(void) {
    static const char *const variables[] = {"DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"};
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        const char *value = getenv(variables[i]);
        if (value && *value)
            return true;
    }
    return false;
}

static int refuse(struct viewing *viewing, const char *sentence) {
    snprintf(viewing->sentence, sizeof(viewing->sentence), "%s", sentence);
    return SL_EINVAL;
}

/* Where nobody asked for a sink, `usual` is it; a page is instead of a window, and a recording goes
 * without one where there is no display. */
static void choose_sink(struct viewer_end *end, const char *usual) {
    bool records = end->recorder.directory && !has_display();
    if (end->sink.sink == usual && (end->web.listen || records))
        end->sink.sink = "null";
}

static int check_settings(struct viewing *viewing, const char *usual) {
    const char *sink = viewing->end.sink.sink, *stats = viewing->options.stats;
    if (sink == usual && !has_display())
        return refuse(viewing, "there is no display for a window; say where frames should go, such "
                               "as --sink file:out.mkv, --sink - or --sink null");
    if (sink && stats && strcmp(sink, "-") == 0 && strcmp(stats, "-") == 0)
        return refuse(viewing, "--sink - and --stats - both want standard output; give --stats a "
                               "file");
    return ask_for(&viewing->end.receiver.tunnel, viewing->cancel, viewing->sentence,
                   sizeof(viewing->sentence))
               ? SL_OK
               : SL_EINVAL;
}

static int apply_settings(struct viewing *viewing) {
    const char *usual = viewing->end.sink.sink;
    int code = viewer_end_apply(&viewing->end, &viewing->options);
    if (code == SL_OK)
        code = viewer_end_check(&viewing->end, &viewing->options);
    if (code < 0) {
        snprintf(viewing->sentence, sizeof(viewing->sentence), "%s", viewing->options.sentence);
        return code;
    }
    choose_sink(&viewing->end, usual);
    viewing->end.receiver.stay = viewing->end.web.listen || viewing->end.recorder.directory;
    viewing->end.receiver.unwatched = faces_sleep(&viewing->end);
    viewing->end.receiver.cancel = viewing->cancel;
    viewing->end.sink.cancel = viewing->cancel;
    report_place(&viewing->report, &viewing->end.receiver.link, false,
                 viewing->end.receiver.link.port);
    code = exchange_check(&viewing->options);
    if (code == SL_OK)
        code = sl_receiver_check(&viewing->end.receiver);
    return code < 0 ? failed(viewing, code) : check_settings(viewing, usual);
}

/* How a camera end comes in. The name of this machine as seen from there is not ours to know,
 * unless the gate listens at one address. */
static void say_gate(const struct viewing *viewing, const sl_gate_place *gate) {
    const char *pattern = viewing->report.about.pattern;
    bool usual = viewing->end.receiver.link.pattern == USUAL_PATTERN;
    char where[96];
    sl_gate_place seen = *gate;
    if (strcmp(gate->address, "*") == 0)
        snprintf(seen.address, sizeof(seen.address), "THIS-HOST");
    report_gate(&seen, where, sizeof(where));
    console_say("the gate at %s has the host key %s; `sightline pair` invites a camera, or type "
                "there:",
                where, gate->host_key);
    console_say("  sightline send 0 --ssh %s --ssh-host-key %s --port %d%s%s", where,
                gate->host_key, gate->link_port, usual ? "" : " --pattern ", usual ? "" : pattern);
}

static void say_page(const struct viewing *viewing) {
    char here[PATH_MAX];
    console_say("the page is at %s", viewing->report.page);
    if (!viewing->end.recorder.directory)
        console_say("recordings that are asked for there go to %s/sightline-recordings",
                    getcwd(here, sizeof(here)) ? here : ".");
}

/* Tells where camera ends find it. Of a tunnel that is waited for the port may not be known yet. */
static void tell_ready(struct viewing *viewing) {
    const sl_link_settings *link = &viewing->end.receiver.link;
    const char *tunnel = viewing->end.receiver.tunnel.destination;
    sl_stats stats;
    sl_gate_place gate;
    if (viewing->ready)
        return;
    sl_receiver_stats(viewing->receiver, &stats);
    if (tunnel && stats.port == 0)
        return;
    viewing->ready = true;
    bool gated = sl_receiver_gate(viewing->receiver, &gate);
    report_place(&viewing->report, link, false, stats.port);
    viewing->report.page = faces_link(&viewing->faces);
    report_ready(&viewing->report, link, tunnel, stats.port, gated ? &gate : NULL);
    if (viewing->report.page)
        say_page(viewing);
    if (gated)
        say_gate(viewing, &gate);
    else
        console_say("waiting for a camera end at %s%s%s, with the pattern %s",
                    viewing->report.endpoint, tunnel ? ", as seen from " : "", tunnel ? tunnel : "",
                    viewing->report.about.pattern);
}

/* Sink first: it says in what form it wants its frames. */
static int open_both(struct viewing *viewing) {
    int code = sl_sink_open(&viewing->sink, &viewing->end.sink);
    if (code < 0)
        return failed(viewing, code);
    viewing->end.receiver.output = sl_sink_output(viewing->sink);
    console_connecting(viewing->end.receiver.tunnel.destination);
    code = sl_receiver_open(&viewing->receiver, &viewing->end.receiver);
    console_progress("");
    if (code == SL_OK)
        code = faces_open(&viewing->faces, viewing->receiver, &viewing->end, viewing->sink);
    if (code == SL_OK)
        code = exchange_return(viewing->receiver, &viewing->options, &viewing->end.receiver.codec,
                               viewing->cancel);
    if (code < 0)
        return failed(viewing, code);
    tell_ready(viewing);
    return SL_OK;
}

/* Tells the sink, once a second, what a window's title should say. */
static void show_status(struct viewing *viewing) {
    int64_t now = now_us(), passed = now - viewing->status_us;
    if (passed < STATUS_US)
        return;
    sl_stats stats;
    char line[160], age[40] = "";
    sl_receiver_stats(viewing->receiver, &stats);
    if (stats.latency.last >= 0)
        snprintf(age, sizeof(age), " · %.0f ms old", stats.latency.last);
    double fps = (double)(viewing->taken - viewing->status_frames) * 1e6 / (double)passed;
    snprintf(line, sizeof(line), "%dx%d · %.1f frames/s%s", viewing->width, viewing->height, fps,
             age);
    if (viewing->width > 0)
        sl_sink_status(viewing->sink, line);
    viewing->status_us = now;
    viewing->status_frames = viewing->taken;
}

static void show_cameras(struct viewing *viewing) {
    int64_t now = now_us();
    if (now - viewing->told_us < TELL_US)
        return;
    viewing->told_us = now;
    sl_sink_tell(viewing->sink, viewing->cameras,
                 sl_receiver_cameras(viewing->receiver, viewing->cameras, SL_VIEWS_MAX));
}

static int end_for(struct viewing *viewing, const char *reason) {
    viewing->reason = reason;
    return SL_EEND;
}

static int show(struct viewing *viewing, const sl_frame *frame) {
    viewing->width = frame->width;
    viewing->height = frame->height;
    viewing->taken++;
    report_exchange(&viewing->report, "message", frame);
    faces_show(&viewing->faces, frame);
    int code = sl_sink_write(viewing->sink, frame);
    atomic_store(&viewing->not_shown, sl_sink_dropped(viewing->sink));
    viewing->patience_us = moment_in(viewing->options.timeout_s);
    if (code == SL_EEND)
        return end_for(viewing,
                       sl_sink_interactive(viewing->sink) ? "window closed" : "reader left");
    if (code < 0)
        return failed(viewing, code);
    if (viewing->taken == viewing->options.frames)
        return end_for(viewing, "frames");
    return SL_OK;
}

static int wait_ms(const struct viewing *viewing, bool window) {
    int most_ms = moment_wait_ms(viewing->patience_us, window ? WINDOW_MS : LOOK_MS);
    return moment_wait_ms(viewing->until_us, most_ms);
}

static int fail_silence(struct viewing *viewing) {
    snprintf(viewing->sentence, sizeof(viewing->sentence),
             "no frame came to %s within %g s; is a camera end sending there, with the "
             "pattern %s?",
             viewing->report.endpoint, viewing->options.timeout_s, viewing->report.about.pattern);
    return SL_ETIMEOUT;
}

/* The next frame, once somebody wants it: none is missed while nobody does. */
static int take_frame(struct viewing *viewing, sl_frame **frame, int most_ms) {
    if (faces_await(&viewing->faces, viewing->cancel, most_ms))
        return sl_receiver_recv(viewing->receiver, frame, most_ms);
    viewing->patience_us = moment_in(viewing->options.timeout_s);
    if (sl_cancel_triggered(viewing->cancel))
        return SL_ECANCELED;
    int code = sl_receiver_ended(viewing->receiver);
    return code < 0 ? code : SL_EAGAIN;
}

/* The next frame, shown; or what else is due. */
static int show_next(struct viewing *viewing, bool window) {
    sl_frame *frame = NULL;
    tell_ready(viewing);
    int code = take_frame(viewing, &frame, wait_ms(viewing, window));
    if (code == SL_OK)
        code = show(viewing, frame);
    else if (code == SL_EEND)
        viewing->reason = "peer ended";
    else if (code == SL_EAGAIN)
        code = moment_passed(viewing->patience_us) ? fail_silence(viewing) : SL_OK;
    else
        failed(viewing, code);
    sl_frame_unref(&frame);
    return code;
}

static int view_frames(struct viewing *viewing) {
    bool window = sl_sink_interactive(viewing->sink);
    int code = SL_OK;
    viewing->patience_us = moment_in(viewing->options.timeout_s);
    viewing->status_us = now_us();
    while (code == SL_OK) {
        if (moment_passed(viewing->until_us))
            return end_for(viewing, "duration");
        code = show_next(viewing, window);
        if (window && code == SL_OK && sl_sink_idle(viewing->sink) == SL_EEND)
            return end_for(viewing, "window closed");
        if (code == SL_OK)
            show_status(viewing);
        if (window && code == SL_OK)
            show_cameras(viewing);
    }
    return code;
}

/* Whether what ended it is how it should end. */
static int verdict(struct viewing *viewing, int code) {
    bool cut_short = code < 0 && code != SL_ESINK && interrupted() && !viewing->reason;
    if (code == SL_ECANCELED || cut_short) {
        viewing->reason = interrupted() ? "interrupted" : "duration";
        return SL_OK;
    }
    return code == SL_EEND ? SL_OK : code;
}

/* What the viewer acknowledged reaches the sink, though the end came in between. */
static void hand_over_the_rest(struct viewing *viewing) {
    sl_frame *frame = NULL;
    int code = SL_OK;
    sl_receiver_finish(viewing->receiver);
    while (code == SL_OK && sl_receiver_recv(viewing->receiver, &frame, LOOK_MS) == SL_OK) {
        report_exchange(&viewing->report, "message", frame);
        code = sl_sink_write(viewing->sink, frame);
        sl_frame_unref(&frame);
    }
    atomic_store(&viewing->not_shown, sl_sink_dropped(viewing->sink));
}

static int finish(struct viewing *viewing, int code) {
    sl_stats stats = {.latency = {-1, -1, -1, -1, -1}};
    bool more = viewing->options.frames == 0 || viewing->taken < viewing->options.frames;
    code = verdict(viewing, code);
    if (viewing->receiver && code == SL_OK && more)
        hand_over_the_rest(viewing);
    report_stop(&viewing->report);
    if (viewing->receiver)
        look(viewing, &stats);
    int closed = faces_close(&viewing->faces);
    if (code == SL_OK && closed < 0)
        code = failed(viewing, closed);
    closed = sl_sink_close(&viewing->sink);
    sl_receiver_close(&viewing->receiver);
    if (code == SL_OK && closed < 0)
        code = failed(viewing, closed);
    viewer_end_finish(&viewing->end);
    int status = report_end(&viewing->report, &stats, code, viewing->reason, viewing->sentence);
    roster_finish(&viewing->roster);
    options_finish(&viewing->options);
    return status;
}

static int stream(struct viewing *viewing) {
    int code = open_both(viewing);
    if (code < 0)
        return code;
    if (!roster_open(&viewing->roster, viewing->end.receiver.link.pattern == SL_PATTERN_LIVE)) {
        refuse(viewing, sl_strerror(SL_ENOMEM));
        return SL_ENOMEM;
    }
    viewing->until_us = moment_in(viewing->options.duration_s);
    report_cameras(&viewing->report, &viewing->roster);
    report_begin(&viewing->report, look, viewing);
    return view_frames(viewing);
}

int run_view(int count, char **words) {
    struct viewing viewing = {.until_us = -1, .patience_us = -1};
    bool understood = options_read(&viewing.options, FOR_VIEW, count, words);
    if (understood && viewing.options.help) {
        options_finish(&viewing.options);
        return run_help(2, (char *[]){words[0], words[0]});
    }
    console_set_level(viewing.options.log);
    viewer_end_init(&viewing.end);
    if (!report_open(&viewing.report, "receiver", viewing.options.stats, viewing.sentence,
                     sizeof(viewing.sentence)))
        return finish(&viewing, SL_ESYSTEM);
    if (!understood)
        return finish(&viewing, refuse(&viewing, viewing.options.sentence));
    int code = sl_cancel_open(&viewing.cancel);
    if (code < 0)
        return finish(&viewing, failed(&viewing, code));
    interrupt_watch(viewing.cancel);
    code = apply_settings(&viewing);
    if (code == SL_OK)
        code = stream(&viewing);
    return finish(&viewing, code);
}
