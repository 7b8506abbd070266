/* Who comes in at the page's server, how many, and for how long. */
#include "base/network.h"
#include "sink/web/door.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <poll.h>
#include <sightline/error.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

/* A server that holds what it is given. */
struct server {
    sl_web_door *door;
    sl_web_guest *guests[1024];
    int descriptors[1024];
    atomic_int count, beats;
};

static bool admit(void *user, int descriptor, const struct sockaddr *from, socklen_t size) {
    struct server *server = user;
    assert_true(from->sa_family == AF_INET || from->sa_family == AF_INET6);
    assert_true(size > 0);
    int number = server->count;
    server->descriptors[number] = descriptor;
    server->guests[number] = sl_web_door_met(server->door, descriptor);
    assert_non_null(server->guests[number]);
    server->count = number + 1;
    return true;
}

static void beat(void *user) {
    struct server *server = user;
    server->beats++;
}

static void begin(struct server *server, const char *host) {
    sl_web_door_settings settings = {
        .what = "web", .host = host, .user = server, .admit = admit, .beat = beat};
    assert_int_equal(sl_web_door_open(&server->door, &settings), SL_OK);
    assert_int_equal(sl_web_door_start(server->door), SL_OK);
}

static void leave(struct server *server, int number) {
    sl_web_door_left(server->door, server->guests[number]);
    close(server->descriptors[number]);
}

static void end(struct server *server) {
    sl_web_door_stop(server->door);
    sl_web_door_close(&server->door);
    assert_null(server->door);
}

static int dial(const struct server *server, const char *host) {
    char port[16];
    struct addrinfo *to, hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    struct timeval patience = {.tv_sec = 60};
    snprintf(port, sizeof(port), "%d", sl_web_door_port(server->door));
    assert_int_equal(getaddrinfo(host, port, &hints, &to), 0);
    int guest = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(guest, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    assert_int_equal(connect(guest, to->ai_addr, to->ai_addrlen), 0);
    freeaddrinfo(to);
    return guest;
}

static void await(const atomic_int *count, int enough) {
    while (*count < enough)
        poll(NULL, 0, 1);
}

static bool ends(int guest) {
    char byte;
    return recv(guest, &byte, 1, 0) <= 0;
}

static void it_beats_while_somebody_is_here(void **state) {
    (void)state;
    static struct server server;
    begin(&server, "127.0.0.1");
    assert_true(sl_web_door_near(server.door));
    int guest = dial(&server, "127.0.0.1");
    await(&server.count, 1);
    await(&server.beats, 2);
    leave(&server, 0);
    assert_true(ends(guest));
    close(guest);
    end(&server);
}

static void who_says_nothing_makes_way(void **state) {
    (void)state;
    static struct server server;
    static int guests[SL_WEB_GUESTS_MAX];
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    begin(&server, "127.0.0.1");
    for (int i = 0; i < SL_WEB_GUESTS_MAX; i++) {
        guests[i] = dial(&server, "127.0.0.1");
        await(&server.count, i + 1);
    }
    sl_web_guest_stay(server.guests[0]);
    int newcomer = dial(&server, "127.0.0.1");
    await(&server.count, SL_WEB_GUESTS_MAX + 1);
    assert_true(ends(guests[1])); /* the first who is not served yet */
    for (int i = 0; i < SL_WEB_GUESTS_MAX; i++)
        sl_web_guest_stay(server.guests[i]);
    sl_web_guest_stay(server.guests[SL_WEB_GUESTS_MAX]);
    int late = dial(&server, "127.0.0.1");
    assert_true(ends(late)); /* where all are served there is no room */
    close(late);
    close(newcomer);
    for (int i = 0; i <= SL_WEB_GUESTS_MAX; i++)
        leave(&server, i);
    for (int i = 0; i < SL_WEB_GUESTS_MAX; i++)
        close(guests[i]);
    end(&server);
}

static void one_address_elsewhere_has_its_share(void **state) {
    (void)state;
    static struct server server;
    static int guests[SL_WEB_GUESTS_PER_HOST];
    char own[64];
    if (sl_network_own_address(own, sizeof(own)) < 0 || inet_addr(own) == INADDR_NONE)
        skip(); /* this machine has no other address than loopback */
    begin(&server, "*");
    assert_false(sl_web_door_near(server.door));
    for (int i = 0; i < SL_WEB_GUESTS_PER_HOST; i++)
        guests[i] = dial(&server, own);
    await(&server.count, SL_WEB_GUESTS_PER_HOST);
    int one_more = dial(&server, own);
    assert_true(ends(one_more));
    int near = dial(&server, "127.0.0.1");
    await(&server.count, SL_WEB_GUESTS_PER_HOST + 1);
    close(one_more);
    close(near);
    for (int i = 0; i <= SL_WEB_GUESTS_PER_HOST; i++)
        leave(&server, i);
    for (int i = 0; i < SL_WEB_GUESTS_PER_HOST; i++)
        close(guests[i]);
    end(&server);
}

static void places_that_can_not_be_had(void **state) {
    (void)state;
    sl_web_door *door;
    sl_web_door_settings settings = {.what = "web", .host = "192.0.2.1"};
    assert_int_equal(sl_web_door_open(&door, &settings), SL_EINVAL);
    assert_null(door);
    sl_web_door_close(&door);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_beats_while_somebody_is_here),
        cmocka_unit_test(who_says_nothing_makes_way),
        cmocka_unit_test(one_address_elsewhere_has_its_share),
        cmocka_unit_test(places_that_can_not_be_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
