/* Records what cameras send, as it came, into segments.
 *
 *     recorder PORT [NAME=VALUE]…
 *     recorder 5555 record=/srv/video record_segment=1h record_keep=7d
 *     recorder 5555 record_before=10
 *     sightline send 0                         the other end
 *
 * With record_before nothing is recorded until a line comes on standard input: a detector writes
 * one when it sees something. Then it is what led to that, and ten seconds more.
 */
#include <poll.h>
#include <sightline/sightline.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EVENT_S 10

struct recording {
    sl_receiver_settings receiver_settings;
    sl_recorder_settings settings;
    sl_receiver *receiver;
    sl_recorder *recorder;
    sl_viewer viewer;
    char told[1400];
};

static int set(struct recording *recording, char **words) {
    void *const all[] = {&recording->receiver_settings, &recording->settings};
    int code = SL_OK;
    for (; *words && code == SL_OK; words++) {
        char *equals = strchr(*words, '=');
        if (equals)
            *equals = '\0';
        code = sl_settings_offer(all, 2, *words, equals ? equals + 1 : "true");
    }
    return code;
}

static void take(void *user, const sl_frame *coded) {
    struct recording *recording = user;
    sl_recorder_take(recording->recorder, coded);
}

static int open_both(struct recording *recording) {
    const sl_tap tap = {take, recording};
    recording->receiver_settings.output = SL_OUTPUT_CODED; /* nothing is shown */
    int code = sl_receiver_open(&recording->receiver, &recording->receiver_settings);
    if (code < 0)
        return code;
    sl_receiver_viewer(recording->receiver, &recording->viewer);
    recording->settings.viewer = &recording->viewer;
    recording->settings.idle = recording->settings.before_s > 0;
    code = sl_recorder_open(&recording->recorder, &recording->settings);
    return code < 0 ? code : sl_receiver_tap(recording->receiver, &tap);
}

static size_t cameras_of(const struct recording *recording, sl_camera_view *cameras) {
    return sl_receiver_cameras(recording->receiver, cameras, SL_VIEWS_MAX);
}

/* A line on standard input is an event at all cameras. */
static void hear(const struct recording *recording) {
    static sl_camera_view cameras[SL_VIEWS_MAX];
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    char line[256];
    if (poll(&input, 1, 0) <= 0 || read(STDIN_FILENO, line, sizeof(line)) <= 0)
        return;
    for (size_t i = cameras_of(recording, cameras); i > 0; i--)
        sl_recorder_start(recording->recorder, cameras[i - 1].port, EVENT_S);
}

/* Says how it goes with the first camera, when that is not what was said last. */
static void tell(struct recording *recording) {
    static sl_camera_view cameras[SL_VIEWS_MAX];
    char now[sizeof(recording->told)];
    sl_recording status;
    if (cameras_of(recording, cameras) == 0)
        return;
    sl_recorder_status(recording->recorder, cameras[0].port, &status);
    snprintf(now, sizeof(now), "%s %s %s", sl_recording_state_name(status.state), status.path,
             status.reason);
    if (strcmp(now, recording->told) == 0)
        return;
    snprintf(recording->told, sizeof(recording->told), "%s", now);
    puts(now);
    fflush(stdout);
}

/* Frames go to the tap while somebody is in here for the next. */
static int record(struct recording *recording) {
    int code = SL_OK;
    while (code == SL_OK || code == SL_EAGAIN) {
        sl_frame *frame = NULL;
        code = sl_receiver_recv(recording->receiver, &frame, 100);
        sl_frame_unref(&frame);
        hear(recording);
        tell(recording);
    }
    return code == SL_EEND ? SL_OK : code;
}

int main(int count, char **words) {
    struct recording recording = {.told = ""};
    int code = SL_EINVAL;
    sl_receiver_settings_init(&recording.receiver_settings);
    sl_recorder_settings_init(&recording.settings);
    recording.receiver_settings.link.address = "127.0.0.1";
    recording.receiver_settings.link.pattern = SL_PATTERN_LIVE;
    if (count > 1)
        code = sl_settings_set(&recording.receiver_settings, "port", words[1]);
    if (code == SL_OK)
        code = set(&recording, words + 2);
    if (code == SL_OK)
        code = open_both(&recording);
    if (code == SL_OK)
        code = record(&recording);
    if (code < 0)
        fprintf(stderr, "recorder: %s\n", sl_error());

    if (recording.receiver)
        sl_receiver_untap(recording.receiver, &recording);
    if (sl_recorder_close(&recording.recorder) < 0)
        code = SL_ESINK;
    sl_receiver_close(&recording.receiver);
    sl_settings_finish(&recording.receiver_settings);
    sl_settings_finish(&recording.settings);
    return code < 0;
}
