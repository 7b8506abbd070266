/* Who holds a viewer's port, in words. */
#include "stream/holder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static const struct {
    sl_greeting greeting;
    const char *says, *never;
} holders[] = {
    {{.zmtp = true, .mechanism = "NULL", .socket_type = "REP"},
     "viewer with the pattern reqrep",
     "dead"},
    {{.zmtp = true, .mechanism = "NULL", .socket_type = "PUB"}, "not as a viewer", "dead"},
    {{.zmtp = true, .mechanism = "CURVE"}, "CURVE, as a viewer with secure_mode", "dead"},
    {{.zmtp = true}, "not as a viewer", "dead"},
    {{.says = "SSH-2.0-x", .ended = true}, "it says \"SSH-2.0-x\"", "dead"},
    {{.ended = true}, "ends connections without a word", "dead"},
    {{.ended = false},
     "a dead session, which the server has not noticed yet, or a program",
     "live program"},
};

/* Each says what was seen, no more than that, and what to do. */
static void what_was_seen_is_said(void **state) {
    (void)state;
    char text[512];
    for (size_t i = 0; i < sizeof holders / sizeof holders[0]; i++) {
        sl_holder_describe(&holders[i].greeting, 5555, "me@server", text, sizeof text);
        assert_non_null(strstr(text, "port 5555 at me@server"));
        assert_non_null(strstr(text, holders[i].says));
        assert_null(strstr(text, holders[i].never));
        assert_non_null(strstr(text, "--port"));
    }
}

/* Only silence may be a dead session's, and only then is its cure named. */
static void only_the_silent_may_be_dead(void **state) {
    (void)state;
    char text[512];
    for (size_t i = 0; i < sizeof holders / sizeof holders[0]; i++) {
        const sl_greeting *greeting = &holders[i].greeting;
        bool silent = !greeting->zmtp && !greeting->says[0] && !greeting->ended;
        sl_holder_describe(greeting, 5555, "me@server", text, sizeof text);
        assert_int_equal(strstr(text, "ClientAliveInterval") != NULL, silent);
    }
}

/* With the longest of names nothing is cut off. */
static void it_fits(void **state) {
    (void)state;
    char text[512], server[101];
    sl_greeting silent = {.zmtp = false};
    memset(server, 'x', sizeof server - 1);
    server[sizeof server - 1] = '\0';
    sl_holder_describe(&silent, 65535, server, text, sizeof text);
    assert_string_equal(text + strlen(text) - strlen("a minute"), "a minute");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_seen_is_said),
        cmocka_unit_test(only_the_silent_may_be_dead),
        cmocka_unit_test(it_fits),
    };
    return cmocka_run_group_tests_name("stream/holder", tests, NULL, NULL);
}
