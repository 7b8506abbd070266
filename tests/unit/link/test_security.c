/* Secure links: who may talk to whom, and that nothing ever makes them plain. */
#include "base/settings.h"
#include "ends.h"
#include "link/keyring.h"
#include <sightline/keys.h>

#include <sys/stat.h>

static const sl_pattern patterns[] = {SL_PATTERN_PAIR, SL_PATTERN_REQREP, SL_PATTERN_PUBSUB,
                                      SL_PATTERN_LIVE};

#define FRAME_BYTES 50000 /* live takes no more than 65536 */

/* Where the viewer's certificates are, with a camera's that it knows; where those of a camera are
 * that it doesn't know, but that knows the viewer; and where those of one are that knows another
 * viewer. */
static char viewer[64], unknown[64], misled[64];

static void make_location(char *location, size_t size) {
    snprintf(location, size, "/tmp/sightline-curve-XXXXXX");
    assert_non_null(mkdtemp(location));
    assert_int_equal(sl_keys_make(location, SL_KEY_OF_SENDER | SL_KEY_OF_RECEIVER, false), SL_OK);
}

static void copy_public(const char *from, const char *name, const char *to, const char *as) {
    char path[SL_KEYRING_PATH_MAX], text[SL_CERTIFICATE_BYTES_MAX];
    sl_certificate certificate;
    assert_int_equal(sl_keyring_path(path, from, name), SL_OK);
    assert_int_equal(sl_keyring_read(&certificate, path, false), SL_OK);
    size_t size = sl_certificate_write(&certificate, false, text);
    assert_int_equal(sl_keyring_path(path, to, as), SL_OK);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    fclose(file);
    assert_int_equal(chmod(path, 0600), 0);
}

static int make_locations(void **state) {
    (void)state;
    make_location(viewer, sizeof viewer);
    make_location(unknown, sizeof unknown);
    make_location(misled, sizeof misled);
    copy_public(viewer, SL_RECEIVER_PUBLIC, unknown, SL_RECEIVER_PUBLIC);
    return 0;
}

static int remove_locations(void **state) {
    (void)state;
    char command[256];
    snprintf(command, sizeof command, "rm -r %s %s %s", viewer, unknown, misled);
    return system(command);
}

/* Mode 0 is a plain link. */
static sl_link *open_end(sl_role role, sl_pattern pattern, int port, int mode,
                         const char *location) {
    sl_link_settings settings = settings_for(pattern, port);
    settings.secure_mode = mode;
    settings.custom_cert_location = location;
    sl_link *link;
    if (sl_link_open(&link, &settings, role, NULL, NULL))
        fail_msg("%s", sl_error());
    return link;
}

static ends open_ends(sl_pattern pattern, int viewer_mode, int camera_mode, const char *camera) {
    ends both = {.receiver = open_end(SL_ROLE_RECEIVER, pattern, 0, viewer_mode, viewer)};
    both.sender =
        open_end(SL_ROLE_SENDER, pattern, state_of(both.receiver).port, camera_mode, camera);
    return both;
}

/* Frames are sent until one is there: those that meet a connection's end are lost. */
static void deliver(ends *both, size_t size) {
    sl_link_message message = {0};
    UNTIL(both, send_frame(both->sender, size, 1) != SL_ENOMEM &&
                    sl_link_receive(both->receiver, &message) == SL_OK);
    assert_frame(&message, size, 1);
    sl_link_message_clear(&message);
}

/* One step of sending a frame and having it answered, where it is; again when that takes long,
 * since the end of a connection takes both with it. True once it is done. */
static bool exchange(ends *both, sl_pattern pattern, int64_t *again_us) {
    sl_link_message message = {0};
    bool answers = pattern != SL_PATTERN_PUBSUB;
    if (sl_now_us() >= *again_us && send_frame(both->sender, FRAME_BYTES, 1) == SL_OK)
        *again_us = sl_now_us() + SL_SECOND_US / 2;
    bool came = sl_link_receive(both->receiver, &message) == SL_OK;
    if (came)
        assert_frame(&message, FRAME_BYTES, 1);
    if (came && pattern == SL_PATTERN_LIVE)
        sl_link_send_to(both->receiver, message.from, message.parts, 1);
    else if (came && answers)
        send_text(both->receiver, "done");
    sl_link_message_clear(&message);
    bool done = answers ? sl_link_receive(both->sender, &message) == SL_OK : came;
    sl_link_message_clear(&message);
    return done;
}

static void frames_go_through_before_and_after_rebuilding(void **state) {
    (void)state;
    for (size_t i = 0; i < SL_COUNT(patterns); i++) {
        for (int mode = 1; mode <= 2; mode++) {
            ends both = open_ends(patterns[i], mode, mode, viewer);
            for (int round = 0; round < 4; round++) {
                int64_t again_us = 0;
                UNTIL(&both, exchange(&both, patterns[i], &again_us));
                sl_link *rebuilt = round == 0 ? both.sender : both.receiver;
                assert_int_equal(round < 3 ? sl_link_rebuild(rebuilt) : SL_OK, SL_OK);
            }
            assert_int_equal(state_of(both.receiver).refused, 0);
            part(&both);
        }
    }
}

#define BOUND 100000

/* Both ends, of which the receiver takes messages of BOUND bytes and no larger ones. */
static ends open_bounded(int mode) {
    ends both = {0};
    sl_link_settings settings = settings_for(SL_PATTERN_PAIR, 0);
    settings.secure_mode = mode;
    settings.custom_cert_location = viewer;
    settings.max_message_bytes = BOUND;
    assert_int_equal(sl_link_open(&both.receiver, &settings, SL_ROLE_RECEIVER, NULL, NULL), SL_OK);
    both.sender =
        open_end(SL_ROLE_SENDER, SL_PATTERN_PAIR, state_of(both.receiver).port, mode, viewer);
    return both;
}

/* Encrypted, a message is longer than it was. */
static void largest_message_goes_through(void **state) {
    (void)state;
    ends both = open_bounded(1);
    deliver(&both, BOUND);
    part(&both);
}

/* What is counted of a peer's bytes ends with each message, encrypted or not. */
static void whole_messages_are_no_flood(void **state) {
    (void)state;
    ends both = open_bounded(2);
    int64_t until_us = sl_now_us() + SL_SECOND_US; /* several looks at what is unfinished */
    for (int frames = 0; frames < 200 || sl_now_us() < until_us; frames++)
        deliver(&both, BOUND);
    assert_int_equal(state_of(both.receiver).refused, 0);
    assert_int_equal(state_of(both.receiver).connects, 1);
    part(&both);
}

/* Both ends are told, none has ever been connected, and rebuilding changes nothing. */
static void check_apart(ends *both, const char *viewer_says, const char *camera_says) {
    for (int round = 0; round < 2; round++) {
        uint64_t at_camera = state_of(both->sender).refused;
        uint64_t at_viewer = state_of(both->receiver).refused;
        UNTIL(both, state_of(both->sender).refused > at_camera &&
                        state_of(both->receiver).refused > at_viewer);
        assert_int_equal(state_of(both->sender).connects, 0);
        assert_int_equal(state_of(both->receiver).connects, 0);
        if (!strstr(state_of(both->receiver).refusal, viewer_says))
            fail_msg("the viewer says: %s", state_of(both->receiver).refusal);
        if (!strstr(state_of(both->sender).refusal, camera_says))
            fail_msg("the camera says: %s", state_of(both->sender).refusal);
        assert_int_equal(sl_link_rebuild(both->receiver), SL_OK);
        assert_int_equal(sl_link_rebuild(both->sender), SL_OK);
    }
    part(both);
}

static void plain_and_secure_never_meet(void **state) {
    (void)state;
    for (size_t i = 0; i < SL_COUNT(patterns); i++) {
        ends both = open_ends(patterns[i], 1, 0, NULL);
        check_apart(&both, "secure_mode", "wants secure connections");
        both = open_ends(patterns[i], 0, 1, viewer);
        check_apart(&both, "secure_mode", "wants plain connections");
    }
}

static void unknown_key_is_let_in_by_mode_1_alone(void **state) {
    (void)state;
    for (size_t i = 0; i < SL_COUNT(patterns); i++) {
        ends both = open_ends(patterns[i], 2, 2, unknown);
        check_apart(&both, "public_keys has its key", "keys export camera");
        both = open_ends(patterns[i], 1, 2, unknown);
        deliver(&both, 1000);
        part(&both);
    }
}

static void key_that_comes_later_is_let_in(void **state) {
    (void)state;
    char path[SL_KEYRING_PATH_MAX];
    ends both = open_ends(SL_PATTERN_PAIR, 2, 2, unknown);
    UNTIL(&both, state_of(both.sender).refused && state_of(both.receiver).refused);
    copy_public(unknown, SL_SENDER_PUBLIC, viewer, "public_keys/porch.key");
    deliver(&both, 1000);
    part(&both);
    assert_int_equal(sl_keyring_path(path, viewer, "public_keys/porch.key"), SL_OK);
    assert_int_equal(unlink(path), 0);
}

static void another_viewers_key(void **state) {
    (void)state;
    ends both = open_ends(SL_PATTERN_PAIR, 1, 1, misled);
    check_apart(&both, "another server.key", "public_keys/server.key");
}

static void another_pattern(void **state) {
    (void)state;
    ends both = {.receiver = open_end(SL_ROLE_RECEIVER, SL_PATTERN_REQREP, 0, 1, viewer)};
    both.sender =
        open_end(SL_ROLE_SENDER, SL_PATTERN_PAIR, state_of(both.receiver).port, 1, viewer);
    check_apart(&both, "another pattern", "another pattern than pair");
}

/* Whom ZeroMQ lets in all the same finds out when he speaks. */
static void another_pattern_that_is_let_in(void **state) {
    (void)state;
    ends both = {.receiver = open_end(SL_ROLE_RECEIVER, SL_PATTERN_LIVE, 0, 1, viewer)};
    int port = state_of(both.receiver).port;
    sl_link_message message;
    both.sender = open_end(SL_ROLE_SENDER, SL_PATTERN_REQREP, port, 1, viewer);
    UNTIL(&both, (send_frame(both.sender, 1000, 0),
                  sl_link_receive(both.receiver, &message) == SL_EAGAIN &&
                      state_of(both.sender).refused && state_of(both.receiver).refused));
    assert_non_null(strstr(state_of(both.receiver).refusal, "pattern reqrep, not live"));
    assert_non_null(strstr(state_of(both.sender).refusal, "another pattern than reqrep"));
    assert_int_equal(state_of(both.sender).connects, 0);
    part(&both);
}

/* A peer that does not go when it was refused takes nothing from those who come after. */
static void strangers_who_stay(void **state) {
    (void)state;
    ends both = {.receiver = open_end(SL_ROLE_RECEIVER, SL_PATTERN_PAIR, 0, 2, viewer)};
    int port = state_of(both.receiver).port, plain = connect_zmtp(port, "PAIR");
    int silent = connect_raw(port);
    UNTIL(&both, closed_by_peer(plain));
    UNTIL(&both, state_of(both.receiver).refused == 1);
    assert_non_null(strstr(state_of(both.receiver).refusal, "secure_mode"));
    both.sender = open_end(SL_ROLE_SENDER, SL_PATTERN_PAIR, port, 2, viewer);
    deliver(&both, 1000);
    close(plain);
    close(silent);
    part(&both);
}

static void check_prepared(sl_link_settings *settings, sl_role role, const char *why) {
    sl_link *link;
    assert_int_equal(sl_link_prepare(settings, role), SL_EINVAL);
    if (!strstr(sl_error(), why))
        fail_msg("%s", sl_error());
    if (settings->overwrite_cert)
        return;
    assert_int_equal(sl_link_open(&link, settings, role, NULL, NULL), SL_EINVAL);
    assert_null(link);
}

static void nothing_starts_with_a_wrong_certificate(void **state) {
    (void)state;
    char path[SL_KEYRING_PATH_MAX];
    sl_link_settings settings = settings_for(SL_PATTERN_PAIR, 0);
    settings.custom_cert_location = misled;
    settings.secure_mode = 1;
    settings.overwrite_cert = true;
    check_prepared(&settings, SL_ROLE_RECEIVER, "overwrite_cert");
    settings.overwrite_cert = false;
    assert_int_equal(sl_keyring_path(path, misled, SL_RECEIVER_SECRET), SL_OK);
    assert_int_equal(chmod(path, 0604), 0);
    check_prepared(&settings, SL_ROLE_RECEIVER, path);
    assert_int_equal(unlink(path), 0);
    check_prepared(&settings, SL_ROLE_RECEIVER, path);
    assert_int_equal(sl_link_prepare(&settings, SL_ROLE_SENDER), SL_OK);
    assert_int_equal(sl_keyring_path(path, misled, SL_RECEIVER_PUBLIC), SL_OK);
    assert_int_equal(truncate(path, 90), 0);
    check_prepared(&settings, SL_ROLE_SENDER, path);
    settings.overwrite_cert = true;
    assert_int_equal(sl_link_prepare(&settings, SL_ROLE_SENDER), SL_OK);
    settings.overwrite_cert = false;
    settings.secure_mode = 2;
    assert_int_equal(sl_link_prepare(&settings, SL_ROLE_RECEIVER), SL_OK);
    settings.secure_mode = 3;
    check_prepared(&settings, SL_ROLE_SENDER, "secure_mode");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_go_through_before_and_after_rebuilding),
        cmocka_unit_test(largest_message_goes_through),
        cmocka_unit_test(whole_messages_are_no_flood),
        cmocka_unit_test(plain_and_secure_never_meet),
        cmocka_unit_test(unknown_key_is_let_in_by_mode_1_alone),
        cmocka_unit_test(key_that_comes_later_is_let_in),
        cmocka_unit_test(another_viewers_key),
        cmocka_unit_test(another_pattern),
        cmocka_unit_test(another_pattern_that_is_let_in),
        cmocka_unit_test(strangers_who_stay),
        cmocka_unit_test(nothing_starts_with_a_wrong_certificate),
    };
    return cmocka_run_group_tests(tests, make_locations, remove_locations);
}
