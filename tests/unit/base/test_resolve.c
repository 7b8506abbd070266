/* Names and addresses. */
#include "base/clock.h"
#include "base/error.h"
#include "base/resolve.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void an_address_is_known_at_once(void **state) {
    (void)state;
    struct addrinfo *found;
    assert_int_equal(sl_resolve(&found, "the host", "127.0.0.1", 5, 0, NULL, sl_now_us()), SL_OK);
    const struct sockaddr_in *address = (const void *)found->ai_addr;
    assert_int_equal(found->ai_family, AF_INET);
    assert_int_equal(ntohs(address->sin_port), 5);
    assert_int_equal(ntohl(address->sin_addr.s_addr), INADDR_LOOPBACK);
    freeaddrinfo(found);
    assert_int_equal(sl_resolve(&found, "the host", "::1", 5, 0, NULL, sl_now_us()), SL_OK);
    assert_int_equal(found->ai_family, AF_INET6);
    freeaddrinfo(found);
}

static void a_name_has_addresses(void **state) {
    (void)state;
    struct addrinfo *found;
    assert_int_equal(sl_resolve(&found, "the host", "localhost", 5, 0, NULL, -1), SL_OK);
    assert_non_null(found);
    freeaddrinfo(found);
}

static void no_such_name_is_told(void **state) {
    (void)state;
    struct addrinfo *found;
    int code = sl_resolve(&found, "the host", "name.invalid", 5, 0, NULL, -1);
    assert_true(code == SL_EUNREACHABLE || code == SL_EAGAIN); /* or nobody to ask */
    assert_non_null(strstr(sl_error(), "the host name.invalid does not resolve"));
    assert_null(found);
}

static void waiting_can_be_cancelled(void **state) {
    (void)state;
    sl_cancel *cancel;
    struct addrinfo *found;
    assert_int_equal(sl_cancel_open(&cancel), SL_OK);
    sl_cancel_trigger(cancel);
    int code = sl_resolve(&found, "the host", "localhost", 5, 0, cancel, -1);
    assert_true(code == SL_ECANCELED || code == SL_OK); /* it may be there already */
    if (code == SL_OK)
        freeaddrinfo(found);
    sl_cancel_close(&cancel);
}

static void nobody_waits_for_who_has_gone(void **state) {
    (void)state;
    sl_resolver *resolver;
    assert_int_equal(sl_resolver_open(&resolver, "the host", "name.invalid", 5, 0), SL_OK);
    sl_resolver_close(&resolver);
    assert_null(resolver);
    sl_resolver_close(&resolver);
}

static void each_address_has_its_share_of_the_time(void **state) {
    (void)state;
    struct addrinfo last = {0}, middle = {.ai_next = &last}, first = {.ai_next = &middle};
    int64_t now_us = sl_now_us(), deadline_us = now_us + 3000 * SL_SECOND_US;
    int64_t until_us = sl_address_deadline_us(&first, deadline_us);
    assert_in_range(until_us, now_us + 999 * SL_SECOND_US, now_us + 1001 * SL_SECOND_US);
    until_us = sl_address_deadline_us(&middle, deadline_us);
    assert_in_range(until_us, now_us + 1499 * SL_SECOND_US, now_us + 1501 * SL_SECOND_US);
    until_us = sl_address_deadline_us(&last, deadline_us);
    assert_in_range(until_us, deadline_us - SL_SECOND_US, deadline_us + SL_SECOND_US);
    assert_int_equal(sl_address_deadline_us(&first, -1), -1);
}

static void addresses_of_ipv6_are_known(void **state) {
    (void)state;
    assert_true(sl_is_ipv6("::1"));
    assert_true(sl_is_ipv6("fe80::1%eth0"));
    assert_false(sl_is_ipv6("fe80::1%"));
    assert_false(sl_is_ipv6("127.0.0.1"));
    assert_false(sl_is_ipv6("host"));
    assert_false(sl_is_ipv6(""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_known_at_once),
        cmocka_unit_test(a_name_has_addresses),
        cmocka_unit_test(no_such_name_is_told),
        cmocka_unit_test(waiting_can_be_cancelled),
        cmocka_unit_test(nobody_waits_for_who_has_gone),
        cmocka_unit_test(each_address_has_its_share_of_the_time),
        cmocka_unit_test(addresses_of_ipv6_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
