/* What a way is taken for by what is lost on it, and which control a connection gets by that. */
#include "base/congestion.h"
#include "base/clock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#define PACKET 1448
#define MANY   20000 /* packets: more than are remembered */

/* Sends packets, one of which is lost after each `between`; 0: none. How often the judgement
 * changes. */
static int send_packets(sl_congestion *way, int count, int between) {
    int changes = 0;
    for (int i = 1; i <= count; i++) {
        uint64_t again = between > 0 && i % between == 0 ? PACKET : 0;
        changes += sl_congestion_judge(way, way->sent + PACKET + again, way->again + again);
    }
    return changes;
}

static void way_that_loses_one_in_a_hundred_is_lossy(void **state) {
    (void)state;
    sl_congestion way = {0};
    assert_int_equal(send_packets(&way, 1000, 100), 1);
    assert_true(way.lossy);
    assert_int_equal(send_packets(&way, MANY, 100), 0);
    assert_true(way.lossy);
}

static void good_way_is_not(void **state) {
    (void)state;
    sl_congestion way = {0};
    assert_int_equal(send_packets(&way, MANY, 0), 0);
    assert_int_equal(send_packets(&way, MANY, 1000), 0);
    assert_false(way.lossy);
}

static void few_losses_may_be_chance(void **state) {
    (void)state;
    sl_congestion way = {0};
    assert_int_equal(send_packets(&way, 4, 1), 0);
    assert_int_equal(send_packets(&way, 1, 1), 1);
}

/* After some megabytes without a loss, so that it does not go to and fro. */
static void way_that_gets_better_is_good_again(void **state) {
    (void)state;
    sl_congestion way = {0};
    assert_int_equal(send_packets(&way, 1000, 50), 1);
    assert_int_equal(send_packets(&way, 1000, 0), 0);
    assert_true(way.lossy);
    assert_int_equal(send_packets(&way, MANY, 0), 1);
    assert_false(way.lossy);
}

/* As the peer tells afterwards. */
static void what_came_twice_was_not_lost(void **state) {
    (void)state;
    sl_congestion way = {0};
    for (int i = 0; i < MANY; i++) {
        assert_false(sl_congestion_judge(&way, way.sent + 20 * PACKET, 3 * PACKET));
        assert_false(sl_congestion_judge(&way, way.sent, 0));
    }
}

static void counter_that_goes_back_tells_nothing(void **state) {
    (void)state;
    sl_congestion way = {0};
    assert_int_equal(send_packets(&way, 1000, 50), 1);
    sl_congestion before = way;
    assert_false(sl_congestion_judge(&way, way.sent - 1, way.again + PACKET));
    assert_memory_equal(&way, &before, sizeof(way));
}

static bool control(int descriptor, const char *name) {
    return setsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)) == 0;
}

static void assert_control(int descriptor, const char *name) {
    char now[32] = "";
    socklen_t size = sizeof(now) - 1;
    assert_int_equal(getsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, now, &size), 0);
    if (name)
        assert_string_equal(now, name);
    else
        assert_string_not_equal(now, "bbr");
}

static void bbr_is_not_what_a_connection_begins_with(void **state) {
    (void)state;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sl_congestion way;
    if (!control(descriptor, "bbr")) {
        close(descriptor);
        print_message("not here, or not permitted: bbr\n");
        skip();
    }
    sl_congestion_init(&way, descriptor);
    assert_control(descriptor, NULL);
    close(descriptor);
}

static void another_control_is_left_alone(void **state) {
    (void)state;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sl_congestion way;
    assert_true(control(descriptor, "reno"));
    sl_congestion_init(&way, descriptor);
    assert_control(descriptor, "reno");
    assert_false(sl_congestion_look(&way, descriptor, sl_now_us()));
    assert_control(descriptor, "reno");
    close(descriptor);
}

static void what_is_no_tcp_is_let_be(void **state) {
    (void)state;
    int both[2];
    sl_congestion way;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both), 0);
    sl_congestion_init(&way, both[0]);
    assert_false(sl_congestion_look(&way, both[0], sl_now_us()));
    close(both[0]);
    close(both[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(way_that_loses_one_in_a_hundred_is_lossy),
        cmocka_unit_test(good_way_is_not),
        cmocka_unit_test(few_losses_may_be_chance),
        cmocka_unit_test(way_that_gets_better_is_good_again),
        cmocka_unit_test(what_came_twice_was_not_lost),
        cmocka_unit_test(counter_that_goes_back_tells_nothing),
        cmocka_unit_test(bbr_is_not_what_a_connection_begins_with),
        cmocka_unit_test(another_control_is_left_alone),
        cmocka_unit_test(what_is_no_tcp_is_let_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
