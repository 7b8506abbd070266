/* Where an open gate is. */
#include "stream/whereabouts.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/sl-whereabouts-XXXXXX";
static const sl_gate_settings keys = {.authorized_keys = "/somewhere/keys"};

static int prepare(void **state) {
    (void)state;
    assert_non_null(mkdtemp(folder));
    return setenv("XDG_STATE_HOME", folder, 1);
}

static int clean(void **state) {
    char path[96];
    (void)state;
    snprintf(path, sizeof(path), "%s/sightline", folder);
    rmdir(path);
    return rmdir(folder); /* nothing was left in it */
}

static bool find(char *listen, size_t size, int *port) {
    sl_receiver_settings found;
    sl_receiver_settings_init(&found);
    bool open = sl_whereabouts_find(&found);
    if (open) {
        assert_string_equal(found.gate.authorized_keys, "/somewhere/keys");
        assert_int_equal(found.link.pattern, SL_PATTERN_PUBSUB);
        snprintf(listen, size, "%s", found.gate.listen);
        *port = found.link.port;
    }
    sl_settings_finish(&found);
    return open;
}

static void an_open_gate_is_found(void **state) {
    static const struct {
        const char *address, *listen;
    } places[] = {{"*", "2222"}, {"192.0.2.1", "192.0.2.1:2222"}, {"::1", "[::1]:2222"}};
    char listen[96];
    int port;
    (void)state;
    assert_false(find(listen, sizeof(listen), &port));
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        sl_gate_place place = {.port = 2222, .link_port = 7000};
        sl_whereabouts told;
        snprintf(place.address, sizeof(place.address), "%s", places[i].address);
        sl_whereabouts_tell(&told, &place, &keys, SL_PATTERN_PUBSUB);
        assert_true(find(listen, sizeof(listen), &port));
        assert_string_equal(listen, places[i].listen);
        assert_int_equal(port, 7000);
        sl_whereabouts_finish(&told);
        assert_false(find(listen, sizeof(listen), &port));
    }
}

static void of_two_the_last_is_found(void **state) {
    sl_gate_place first = {.address = "*", .port = 2222, .link_port = 7000},
                  second = {.address = "*", .port = 3333, .link_port = 7001};
    sl_whereabouts one, other;
    char listen[96];
    int port;
    (void)state;
    sl_whereabouts_tell(&one, &first, &keys, SL_PATTERN_PUBSUB);
    sl_whereabouts_tell(&other, &second, &keys, SL_PATTERN_PUBSUB);
    sl_whereabouts_finish(&one); /* which leaves the other's alone */
    assert_true(find(listen, sizeof(listen), &port));
    assert_string_equal(listen, "3333");
    sl_whereabouts_finish(&other);
}

static void what_a_killed_viewer_left_is_not_believed(void **state) {
    sl_gate_place place = {.address = "*", .port = 2222, .link_port = 7000};
    sl_whereabouts told;
    char listen[96], path[96];
    int port;
    (void)state;
    sl_whereabouts_tell(&told, &place, &keys, SL_PATTERN_PUBSUB);
    close(told.fd); /* as its end does */
    snprintf(path, sizeof(path), "%s/sightline/gate", folder);
    assert_int_equal(access(path, F_OK), 0);
    assert_false(find(listen, sizeof(listen), &port));
    assert_int_equal(unlink(path), 0);
}

static void what_can_not_be_told_is_no_failure(void **state) {
    sl_gate_place place = {.address = "*", .port = 2222, .link_port = 7000};
    sl_whereabouts told;
    char listen[96];
    int port;
    (void)state;
    setenv("XDG_STATE_HOME", "/dev/null/nowhere", 1);
    sl_whereabouts_tell(&told, &place, &keys, SL_PATTERN_PUBSUB);
    assert_int_equal(told.fd, -1);
    assert_false(find(listen, sizeof(listen), &port));
    sl_whereabouts_finish(&told);
    setenv("XDG_STATE_HOME", folder, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_open_gate_is_found),
        cmocka_unit_test(of_two_the_last_is_found),
        cmocka_unit_test(what_a_killed_viewer_left_is_not_believed),
        cmocka_unit_test(what_can_not_be_told_is_no_failure),
    };
    return cmocka_run_group_tests(tests, prepare, clean);
}
