/* Where a gate listens. */
#include "tunnel/gate_listen.h"
#include "base/error.h"
#include "sshd.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void places_are_read(void **state) {
    (void)state;
    static const struct {
        const char *text, *host;
        int port;
    } good[] = {
        {"2222", "*", 2222},
        {"0", "*", 0},
        {"127.0.0.1:22", "127.0.0.1", 22},
        {"viewer.example:65535", "viewer.example", 65535},
        {"[::1]:2222", "::1", 2222},
    };
    static const char *const bad[] = {
        "", ":", "x", "65536", "-1", "host:", "host:x", ":2222", "::1:2222", "2222 ", "host:22x"};
    char host[64];
    int port;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(sl_gate_listen_parse(good[i].text, host, sizeof(host), &port), SL_OK);
        assert_string_equal(host, good[i].host);
        assert_int_equal(port, good[i].port);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(sl_gate_listen_parse(bad[i], host, sizeof(host), &port), SL_EINVAL);
    assert_int_equal(sl_gate_listen_parse("long.example:1", host, 6, &port), SL_EINVAL);
}

static void it_listens_and_stops(void **state) {
    (void)state;
    sl_gate_listeners listeners = {0};
    sl_gate_place place = {0}, again = {0};
    char text[64];
    assert_int_equal(sl_gate_listen(&listeners, "127.0.0.1:0", &place, NULL), SL_OK);
    assert_int_equal(listeners.count, 1);
    assert_string_equal(place.address, "127.0.0.1");
    assert_true(place.port > 0);
    assert_true(fcntl(listeners.descriptors[0], F_GETFL) & O_NONBLOCK);
    sl_gate_listeners second = {0};
    snprintf(text, sizeof(text), "127.0.0.1:%d", place.port);
    assert_int_equal(sl_gate_listen(&second, text, &again, NULL), SL_EINUSE);
    assert_int_equal(second.count, 0);
    sl_gate_stop_listening(&listeners);
    assert_int_equal(listeners.count, 0);
    assert_int_equal(sl_gate_listen(&second, text, &again, NULL), SL_OK);
    assert_int_equal(again.port, place.port);
    sl_gate_stop_listening(&second);
}

static void everywhere_is_an_address_too(void **state) {
    (void)state;
    sl_gate_listeners listeners = {0};
    sl_gate_place place = {0};
    assert_int_equal(sl_gate_listen(&listeners, "0", &place, NULL), SL_OK);
    assert_string_equal(place.address, "*");
    assert_true(place.port > 0);
    sl_gate_stop_listening(&listeners);
}

static void places_of_others_can_not_be_had(void **state) {
    (void)state;
    sl_gate_listeners listeners = {0};
    sl_gate_place place = {0};
    assert_int_equal(sl_gate_listen(&listeners, "192.0.2.1:0", &place, NULL), SL_EINVAL);
    assert_non_null(strstr(sl_error(), "192.0.2.1"));
    assert_int_equal(sl_gate_listen(&listeners, "no-such-host.invalid:0", &place, NULL), SL_EINVAL);
    assert_int_equal(listeners.count, 0);
}

static void a_port_that_is_taken_can_not_be_had(void **state) {
    (void)state;
    sl_gate_listeners listeners = {0};
    sl_gate_place place = {0};
    char text[64];
    int port, other = listen_somewhere(&port);
    snprintf(text, sizeof(text), "127.0.0.1:%d", port);
    assert_int_equal(sl_gate_listen(&listeners, text, &place, NULL), SL_EINUSE);
    snprintf(text, sizeof(text), "%d", port);
    assert_non_null(strstr(sl_error(), text));
    close(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_read),
        cmocka_unit_test(it_listens_and_stops),
        cmocka_unit_test(everywhere_is_an_address_too),
        cmocka_unit_test(places_of_others_can_not_be_had),
        cmocka_unit_test(a_port_that_is_taken_can_not_be_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
