/* Who may ask the page's server. */
#include "sink/web/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static const sl_web_guard guard = {.token = "0123456789abcdef", .hosts = "cameras.example, Viewer"};

static void hosts_are_known_or_not(void **state) {
    (void)state;
    static const struct {
        const char *host, *local;
        bool known;
    } cases[] = {
        {"localhost", "127.0.0.1", true},
        {"LocalHost:8080", "127.0.0.1", true},
        {"127.0.0.1:8080", "127.0.0.1", true},
        {"127.0.0.1", "::ffff:127.0.0.1", true},
        {"127.0.0.2", "127.0.0.1", false},
        {"[::1]:8080", "::1", true},
        {"[::1]", "::1", true},
        {"[0:0:0:0:0:0:0:1]:1", "::1", true},
        {"[fe80::1]:80", "fe80::1", true},
        {"192.0.2.7:8080", "192.0.2.7", true},
        {"cameras.example", "192.0.2.7", true},
        {"CAMERAS.example:443", "192.0.2.7", true},
        {"viewer:1", "192.0.2.7", true},
        {"", "127.0.0.1", false},
        {":8080", "127.0.0.1", false},
        {"evil.example", "127.0.0.1", false},
        {"evil.example:8080", "127.0.0.1", false},
        {"localhost.evil.example", "127.0.0.1", false},
        {"localhost:80@evil.example", "127.0.0.1", false},
        {"localhost:80x", "127.0.0.1", false},
        {"cameras", "192.0.2.7", false},
        {"cameras.example,", "192.0.2.7", false},
        {"[::1", "::1", false},
        {"[::1]x", "::1", false},
        {"::1", "::1", false},
        {"127.0.0.1", "", false},
        {NULL, "127.0.0.1", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(sl_web_guard_host(&guard, cases[i].host, cases[i].local), cases[i].known);
    char long_name[1024];
    memset(long_name, 'a', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    assert_false(sl_web_guard_host(&guard, long_name, "127.0.0.1"));
    const sl_web_guard bare = {0};
    assert_false(sl_web_guard_host(&bare, "cameras.example", "192.0.2.7"));
}

static void origins_are_the_same_or_not(void **state) {
    (void)state;
    assert_true(sl_web_guard_origin("http://localhost:8080", "localhost:8080"));
    assert_true(sl_web_guard_origin("https://Cameras.example", "cameras.example"));
    assert_false(sl_web_guard_origin("http://localhost:8081", "localhost:8080"));
    assert_false(sl_web_guard_origin("http://evil.example", "localhost:8080"));
    assert_false(sl_web_guard_origin("http://localhost:8080.evil.example", "localhost:8080"));
    assert_false(sl_web_guard_origin("null", "localhost:8080"));
    assert_false(sl_web_guard_origin("file://", "localhost"));
    assert_false(sl_web_guard_origin("http://localhost", NULL));
}

static void tokens_are_right_or_not(void **state) {
    (void)state;
    assert_true(sl_web_guard_token(&guard, "0123456789abcdef"));
    assert_false(sl_web_guard_token(&guard, "0123456789abcdeF"));
    assert_false(sl_web_guard_token(&guard, "0123456789abcde"));
    assert_false(sl_web_guard_token(&guard, "0123456789abcdefg"));
    assert_false(sl_web_guard_token(&guard, ""));
    assert_false(sl_web_guard_token(&guard, NULL));
    assert_true(sl_web_guard_bearer(&guard, "Bearer 0123456789abcdef"));
    assert_true(sl_web_guard_bearer(&guard, "bearer  0123456789abcdef"));
    assert_false(sl_web_guard_bearer(&guard, "Basic 0123456789abcdef"));
    assert_false(sl_web_guard_bearer(&guard, "Bearer"));
    assert_false(sl_web_guard_bearer(&guard, NULL));
    assert_true(sl_web_guard_cookie(&guard, "sightline-8080=0123456789abcdef"));
    assert_true(sl_web_guard_cookie(&guard, "a=b; sightline-8080=0123456789abcdef; c=d"));
    assert_true(sl_web_guard_cookie(&guard, "sightline-1=other;sightline-2=0123456789abcdef"));
    assert_false(sl_web_guard_cookie(&guard, "sightline-8080=0123456789abcde"));
    assert_false(sl_web_guard_cookie(&guard, "asightline-8080=0123456789abcdef"));
    assert_false(sl_web_guard_cookie(&guard, "sightline-8080"));
    assert_false(sl_web_guard_cookie(&guard, "; ;;=;"));
    assert_false(sl_web_guard_cookie(&guard, NULL));
}

static void tokens_go_into_links(void **state) {
    (void)state;
    assert_true(sl_web_token_good("abcDEF12-._~"));
    assert_false(sl_web_token_good("short"));
    assert_false(sl_web_token_good("has a space"));
    assert_false(sl_web_token_good("has;semicolon"));
    assert_false(sl_web_token_good("has&ampersand"));
    assert_false(sl_web_token_good(""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_are_known_or_not),
        cmocka_unit_test(origins_are_the_same_or_not),
        cmocka_unit_test(tokens_are_right_or_not),
        cmocka_unit_test(tokens_go_into_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
