/*
 * A peer's frames on their way into a recorder's segments. The first byte chooses the way: bits 0
 * and 1 the format, bit 2 whether a second before is kept, bit 3 whether segments are small. Then
 * come frames, three a second, each behind its size in two bytes, the lower one first; the last may
 * be shorter. What is made of them is deleted again.
 */
#include "base/clock.h"
#include "frame/frame.h"
#include "fuzz.h"
#include "sink/recording/retention.h"
#include "sink/recording/tape.h"

#include <libavutil/log.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UTC     INT64_C(1796052600000000)
#define STEP_US (SL_SECOND_US / 3)

static char directory[64];

static void remove_directory(void) {
    char camera[80];
    snprintf(camera, sizeof(camera), "%s/camera", directory);
    rmdir(camera);
    rmdir(directory);
}

static void make_directory(void) {
    bool memory = access("/dev/shm", W_OK) == 0;
    snprintf(directory, sizeof(directory), "%s/sightline-fuzz-XXXXXX",
             memory ? "/dev/shm" : "/tmp");
    if (!mkdtemp(directory))
        abort();
    atexit(remove_directory);
    av_log_set_level(AV_LOG_QUIET);
}

static bool nothing_is_in_work(void *user, const char *id, const char *name) {
    (void)user, (void)id, (void)name;
    return false;
}

static void take(sl_tape *tape, uint8_t way, const uint8_t *data, size_t size, int64_t now_us) {
    sl_format format = (way & 3) == 3 ? SL_FORMAT_JPEG : (sl_format)(SL_FORMAT_H264 + (way & 3));
    sl_buffer *bytes = NULL;
    sl_frame *coded = NULL;
    if (sl_buffer_new(&bytes, size) != 0)
        return;
    memcpy(bytes->data, data, size);
    if (sl_frame_new_coded(&coded, format, bytes) == 0) {
        coded->captured_utc_us = UTC + now_us;
        sl_tape_take(tape, coded, false, now_us);
    }
    sl_frame_unref(&coded);
    sl_buffer_unref(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    sl_refused refused = {0};
    sl_tape_rules rules = {.directory = directory, .preroll_most = 1 << 20, .refused = &refused};
    sl_retention all = {.directory = directory, .keep = {.us = 1}, .in_work = nothing_is_in_work};
    sl_tape tape;
    int64_t now_us = STEP_US;
    if (size < 1)
        return 0;
    if (!directory[0])
        make_directory();
    rules.before_us = data[0] & 4 ? SL_SECOND_US : 0;
    rules.segment.bytes = data[0] & 8 ? 1000 : 0;
    sl_tape_init(&tape, &rules, "");
    for (size_t at = 1; at + 2 <= size; now_us += STEP_US) {
        size_t length = data[at] | (size_t)data[at + 1] << 8;
        at += 2;
        length = length < size - at ? length : size - at;
        if (!tape.on && (rules.before_us == 0 || now_us > 2 * STEP_US))
            sl_tape_start(&tape, now_us - rules.before_us, now_us);
        take(&tape, data[0], data + at, length, now_us);
        sl_tape_tend(&tape, now_us);
        at += length;
    }
    sl_tape_finish(&tape);
    sl_retention_run(&all, sl_utc_us() + SL_SECOND_US);
    return 0;
}
