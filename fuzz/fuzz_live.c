/*
 * The live pattern, both ways: what a receiver reads goes to its cameras, what a sender reads to
 * what it knows of its receiver, and what is known of cameras to whoever shows them. An input is
 * messages, each behind its length in two bytes. What is read is written again and must be read as
 * the same.
 */
#include "fuzz.h"
#include "stream/pattern.h"
#include "wire/live.h"
#include <sightline/error.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_MAX  100000
#define SENT       1000000
#define FRAME_SENT 1000
#define LETTERS    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

static void write_again(const sl_live_message *message) {
    sl_live_message again;
    sl_buffer *bytes = NULL;
    if (sl_live_write(message, &bytes) || sl_live_read(&bytes, 1, &again))
        abort();
    if (again.size != message->size ||
        (message->size > 0 && memcmp(again.data, message->data, message->size) != 0))
        abort();
    again.data = message->data;
    if (memcmp(&again, message, sizeof again) != 0)
        abort();
    sl_buffer_unref(&bytes);
}

static void receive(sl_cameras *cameras, const sl_live_message *message, const sl_buffer *from) {
    sl_camera *camera = sl_cameras_find(cameras, from);
    sl_frame *frame = NULL;
    sl_live_message ack;
    if (message->kind == SL_LIVE_HELLO) {
        sl_cameras_welcome(cameras, from, message, message->sent_us);
    } else if (camera && message->kind == SL_LIVE_CHUNK) {
        if (sl_cameras_take(cameras, camera, message, &frame) == SL_OK && frame &&
            (frame->size > FRAME_MAX || !frame->port))
            abort();
        sl_cameras_ack(cameras, camera, message, message->sent_us, &ack);
        if (frame && frame->sequence % 7 == 0)
            sl_cameras_distrust(cameras, frame);
        sl_frame_unref(&frame);
    } else if (camera && message->kind == SL_LIVE_END) {
        sl_cameras_leave(cameras, camera);
    }
}

/* Whatever a camera says of itself can be shown. */
static void show(sl_views *views, const sl_live_message *message) {
    sl_camera_view seen[SL_VIEWS_MAX];
    char port[SL_LIVE_NAME_MAX + 3];
    if (message->kind == SL_LIVE_HELLO) {
        snprintf(port, sizeof port, "\"%.*s\"", SL_LIVE_NAME_MAX, message->text);
        sl_views_hear(views, port, 1, 0, message->sent_us);
    } else if (message->kind == SL_LIVE_LOSS) {
        sl_views_hear(views, NULL, 1, 0, message->lost_us);
        sl_views_lose(views, NULL, message->lost_us, message->text, 0);
    }
    size_t count = sl_views_get(views, seen, SL_VIEWS_MAX, message->sent_us);
    for (size_t i = 0; i < count; i++) {
        if (seen[i].state >= SL_VIEW_STATES || !*seen[i].id || !*seen[i].name ||
            strspn(seen[i].id, LETTERS ".") != strlen(seen[i].id) || seen[i].id[0] == '.')
            abort();
    }
}

/* It has sent another frame since the last message, and takes this one for its receiver's. It may
 * be lied to, but its figures stay figures, and its window finite. */
static void hear(sl_turn *turn, const sl_live_message *message) {
    int64_t due_us;
    sl_governor_aim aim;
    sl_live *live = &turn->live;
    sl_governor *governor = &live->governor;
    live->session = message->session;
    live->epoch = message->epoch;
    live->totals[++live->sequence % SL_LIVE_RECENT] = FRAME_SENT;
    sl_governor_sent(governor, message->sent_us, FRAME_SENT);
    sl_live_hear(turn, message, message->sent_us + message->offset);
    sl_governor_coded(governor, message->sent_us, message->flags, message->size, false);
    sl_governor_admits(governor, message->sent_us, &due_us);
    sl_governor_aim_get(governor, message->sent_us, &aim);
    if (!isfinite(governor->rate) || aim.bit_rate <= 0 || governor->acked > governor->sent ||
        sl_governor_window(governor) > UINT64_C(1) << 40 || sl_governor_chunk(governor) == 0 ||
        live->acked > live->sequence || live->shown > live->sequence)
        abort();
}

static void begin(sl_turn *turn) {
    static const sl_governor_goals goals = {.max_age_us = 150000, .min_fps = 10, .fps = 30};
    sl_tally_init(turn->tally);
    sl_steering_init(turn->steering, SL_LANES);
    sl_governor_init(&turn->live.governor, &goals, 0);
    sl_governor_sent(&turn->live.governor, 0, SENT);
}

static void end(sl_turn *turn) {
    sl_steering_let_go(turn->steering, turn->rein);
    sl_steering_finish(turn->steering);
    sl_tally_finish(turn->tally);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    sl_cameras *cameras = NULL;
    sl_views *views = NULL;
    sl_tally tally;
    sl_steering steering;
    sl_rein rein = {0};
    sl_turn turn = {.tally = &tally, .steering = &steering, .rein = &rein};
    sl_buffer *from = NULL;
    if (sl_cameras_open(&cameras, FRAME_MAX) || sl_views_open(&views, NULL, 0) ||
        sl_buffer_new(&from, 1))
        abort();
    begin(&turn);
    while (size >= 2) {
        size_t length = (size_t)data[0] << 8 | data[1];
        sl_buffer *bytes = NULL;
        sl_live_message message;
        size_t left = size - 2;
        if (length > left)
            length = left;
        if (sl_buffer_new(&bytes, length))
            abort();
        memcpy(bytes->data, data + 2, length);
        from->data[0] = length > 5 ? data[2 + 5] % 3 : 0;
        if (sl_live_read(&bytes, 1, &message) == SL_OK) {
            write_again(&message);
            receive(cameras, &message, from);
            hear(&turn, &message);
            show(views, &message);
        }
        sl_buffer_unref(&bytes);
        data += 2 + length;
        size -= 2 + length;
    }
    sl_buffer_unref(&from);
    sl_cameras_close(&cameras);
    sl_views_close(&views);
    end(&turn);
    return 0;
}
