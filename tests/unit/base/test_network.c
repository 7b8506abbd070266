/* Hearing of changes, in a network of this process's own. */
#include "base/network.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#define PATIENCE_MS 10000

static void skip_without_own_network(void) {
    static int own; /* 0: not tried, 1: yes, -1: not permitted */
    if (own == 0)
        own = unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 ? 1 : -1;
    if (own < 0) {
        print_message("not permitted: a network of its own\n");
        skip();
    }
}

static struct ifreq loopback(void) {
    struct ifreq request = {0};
    strcpy(request.ifr_name, "lo");
    return request;
}

static void change(unsigned long what, struct ifreq *request) {
    int socket_fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_true(socket_fd >= 0);
    assert_int_equal(ioctl(socket_fd, what, request), 0);
    close(socket_fd);
}

static void set_up(bool up) {
    struct ifreq request = loopback();
    request.ifr_flags = up ? IFF_UP : 0;
    change(SIOCSIFFLAGS, &request);
}

static void set_address(const char *text) {
    struct ifreq request = loopback();
    struct sockaddr_in address = {.sin_family = AF_INET};
    inet_pton(AF_INET, text, &address.sin_addr);
    memcpy(&request.ifr_addr, &address, sizeof(address));
    change(SIOCSIFADDR, &request);
}

static void hears_of_a_link_and_of_an_address(void **state) {
    (void)state;
    sl_network network;
    skip_without_own_network();
    set_up(false);
    assert_int_equal(sl_network_init(&network), 0);
    assert_false(sl_network_take(&network));
    set_up(true);
    assert_int_equal(sl_wait(network.fd, POLLIN, NULL, sl_deadline_us(PATIENCE_MS)), 0);
    assert_true(sl_network_take(&network));
    while (sl_network_take(&network))
        continue;
    set_address("10.20.30.41");
    assert_int_equal(sl_wait(network.fd, POLLIN, NULL, sl_deadline_us(PATIENCE_MS)), 0);
    assert_true(sl_network_take(&network));
    sl_network_finish(&network);
    assert_int_equal(network.fd, -1);
}

static void more_news_than_the_kernel_keeps_are_news(void **state) {
    (void)state;
    sl_network network;
    skip_without_own_network();
    assert_int_equal(sl_network_init(&network), 0);
    assert_int_equal(setsockopt(network.fd, SOL_SOCKET, SO_RCVBUF, &(int){0}, sizeof(int)), 0);
    for (int i = 0; i < 50; i++)
        set_up(i % 2 != 0);
    assert_true(sl_network_take(&network));
    sl_network_finish(&network);
}

static void a_network_that_is_not_watched_has_no_news(void **state) {
    (void)state;
    sl_network network = {.fd = -1};
    assert_false(sl_network_take(&network));
    sl_network_finish(&network);
}

static void knows_whether_an_address_is_still_there(void **state) {
    (void)state;
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(9)};
    skip_without_own_network();
    set_up(true);
    set_address("127.0.0.1");
    inet_pton(AF_INET, "127.0.0.1", &peer.sin_addr);
    int talker = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(connect(talker, (const struct sockaddr *)&peer, sizeof(peer)), 0);
    assert_true(sl_network_has_local_address(talker));
    set_address("10.20.30.40");
    assert_false(sl_network_has_local_address(talker));
    close(talker);
    int pair[2]; /* no such thing as an address */
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_true(sl_network_has_local_address(pair[0]));
    close(pair[0]);
    close(pair[1]);
    assert_true(sl_network_has_local_address(-1));
}

static void knows_the_way_to_an_address(void **state) {
    (void)state;
    sl_route route;
    skip_without_own_network();
    set_up(true);
    set_address("127.0.0.1");
    assert_int_equal(sl_network_route("127.0.0.1", &route), SL_OK);
    assert_string_equal(route.from, "127.0.0.1");
    assert_string_equal(route.interface, "lo");
    assert_int_equal(sl_network_route("::1", &route), SL_OK);
    assert_string_equal(route.from, "::1");
    assert_int_equal(sl_network_route("192.0.2.1", &route), SL_EUNREACHABLE);
    assert_non_null(strstr(sl_error(), "192.0.2.1"));
    assert_int_equal(sl_network_route("nowhere.invalid", &route), SL_EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hears_of_a_link_and_of_an_address),
        cmocka_unit_test(more_news_than_the_kernel_keeps_are_news),
        cmocka_unit_test(a_network_that_is_not_watched_has_no_news),
        cmocka_unit_test(knows_whether_an_address_is_still_there),
        cmocka_unit_test(knows_the_way_to_an_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
