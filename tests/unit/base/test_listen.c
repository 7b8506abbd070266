/* Listening at places that a person names. */
#include "base/listen.h"
#include "base/error.h"

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
        assert_int_equal(sl_listen_parse("gate", good[i].text, host, sizeof(host), &port), SL_OK);
        assert_string_equal(host, good[i].host);
        assert_int_equal(port, good[i].port);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(sl_listen_parse("gate", bad[i], host, sizeof(host), &port), SL_EINVAL);
    assert_int_equal(sl_listen_parse("gate", "long.example:1", host, 6, &port), SL_EINVAL);
}

static int listen_at(sl_listeners *listeners, const char *host, int port) {
    return sl_listen(listeners, "gate", host, port, NULL);
}

static void it_listens_and_stops(void **state) {
    (void)state;
    sl_listeners listeners = {0}, second = {0};
    assert_int_equal(listen_at(&listeners, "127.0.0.1", 0), SL_OK);
    assert_int_equal(listeners.count, 1);
    assert_true(listeners.port > 0);
    assert_true(fcntl(listeners.descriptors[0], F_GETFL) & O_NONBLOCK);
    assert_int_equal(listen_at(&second, "127.0.0.1", listeners.port), SL_EINUSE);
    assert_int_equal(second.count, 0);
    sl_listeners_close(&listeners);
    assert_int_equal(listeners.count, 0);
    assert_int_equal(listen_at(&second, "127.0.0.1", listeners.port), SL_OK);
    assert_int_equal(second.port, listeners.port);
    sl_listeners_close(&second);
}

static void everywhere_is_an_address_too(void **state) {
    (void)state;
    sl_listeners listeners = {0};
    assert_int_equal(listen_at(&listeners, "*", 0), SL_OK);
    assert_true(listeners.port > 0);
    sl_listeners_close(&listeners);
}

static void places_of_others_can_not_be_had(void **state) {
    (void)state;
    sl_listeners listeners = {0};
    assert_int_equal(listen_at(&listeners, "192.0.2.1", 0), SL_EINVAL);
    assert_non_null(strstr(sl_error(), "192.0.2.1"));
    assert_non_null(strstr(sl_error(), "the gate"));
    assert_int_equal(listen_at(&listeners, "no-such-host.invalid", 0), SL_EINVAL);
    assert_int_equal(listeners.count, 0);
}

static void a_port_that_is_taken_can_not_be_had(void **state) {
    (void)state;
    sl_listeners other = {0}, listeners = {0};
    char text[16];
    assert_int_equal(listen_at(&other, "127.0.0.1", 0), SL_OK);
    assert_int_equal(listen_at(&listeners, "*", other.port), SL_EINUSE);
    snprintf(text, sizeof(text), "%d", other.port);
    assert_non_null(strstr(sl_error(), text));
    sl_listeners_close(&other);
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
