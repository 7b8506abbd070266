/* The live pattern's link: many senders at one receiver, each answered for itself; and those who
 * look like one of the two ends, or take advantage of being let in. */
#include "base/settings.h"
#include "ends.h"
#include "link/peers.h"

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/un.h>

static int send_chunk(sl_link *link, size_t size, int seed) {
    sl_buffer *part = buffer_of(size, seed);
    int result = sl_link_send(link, &part, 1);
    sl_buffer_unref(&part);
    return result;
}

static int answer(sl_link *link, const sl_buffer *from, size_t size, int seed) {
    sl_buffer *part = buffer_of(size, seed);
    int result = sl_link_send_to(link, from, &part, 1);
    sl_buffer_unref(&part);
    return result;
}

static sl_link_message receive(const ends *both, sl_link *link) {
    sl_link_message message;
    int result = SL_EAGAIN;
    UNTIL(both, (result = sl_link_receive(link, &message)) != SL_EAGAIN);
    assert_int_equal(result, SL_OK);
    return message;
}

/* Takes the next message, which has these bytes, and returns who sent it. */
static sl_buffer *expect(const ends *both, sl_link *link, size_t size, int seed) {
    sl_link_message message = receive(both, link);
    assert_int_equal(message.count, 1);
    assert_int_equal(message.parts[0]->size, size);
    assert_int_equal(message.parts[0]->data[0], (uint8_t)seed);
    sl_buffer *from = message.from ? sl_buffer_ref(message.from) : NULL;
    sl_link_message_clear(&message);
    assert_null(message.from);
    return from;
}

/* A sender says its first word, and the receiver knows it by that. */
static sl_buffer *introduce(const ends *both, int seed) {
    UNTIL(both, send_chunk(both->sender, 1000, seed) == SL_OK);
    return expect(both, both->receiver, 1000, seed);
}

static void answers_reach_the_one_they_are_for(void **state) {
    (void)state;
    ends both = meet(SL_PATTERN_LIVE);
    ends other = {.receiver = both.receiver,
                  .sender = open_sender(SL_PATTERN_LIVE, state_of(both.receiver).port)};
    sl_buffer *first = introduce(&both, 1), *second = introduce(&other, 2);
    assert_false(first->size == second->size &&
                 memcmp(first->data, second->data, first->size) == 0);
    for (int i = 10; i < 20; i++) {
        assert_int_equal(answer(both.receiver, first, 100, i), SL_OK);
        assert_int_equal(answer(both.receiver, second, 200, i), SL_OK);
        assert_null(expect(&other, other.sender, 200, i));
        assert_null(expect(&both, both.sender, 100, i));
    }
    assert_int_equal(state_of(both.receiver).connects, 2);
    assert_int_equal(state_of(both.receiver).most, 2);
    sl_buffer_unref(&first);
    sl_buffer_unref(&second);
    sl_link_close(&other.sender, 0);
    part(&both);
}

/* A receiver has a peer once it has said something. */
static void who_has_only_connected_is_not_there(void **state) {
    (void)state;
    ends both = {.receiver = open_receiver(SL_PATTERN_LIVE, 0)};
    assert_int_equal(send_chunk(both.receiver, 10, 0), SL_EINVAL);
    both.sender = open_sender(SL_PATTERN_LIVE, state_of(both.receiver).port);
    assert_int_equal(send_chunk(both.sender, 10, 0), SL_EAGAIN);
    UNTIL(&both, state_of(both.sender).connected);
    assert_false(state_of(both.receiver).connected);
    assert_int_equal(state_of(both.receiver).connects, 0);
    sl_buffer *from = introduce(&both, 1);
    assert_true(state_of(both.receiver).connected);
    assert_int_equal(state_of(both.receiver).connects, 1);
    sl_link_close(&both.sender, 0);
    UNTIL(&both, !state_of(both.receiver).connected);
    assert_int_equal(state_of(both.receiver).refused, 0);
    sl_buffer_unref(&from);
    part(&both);
}

static void one_who_does_not_read_holds_up_no_other(void **state) {
    (void)state;
    ends both = meet(SL_PATTERN_LIVE);
    sl_buffer *reader = introduce(&both, 1);
    int fd = connect_zmtp(state_of(both.receiver).port, "DEALER");
    say(&both, fd, 5);
    sl_buffer *stuck = expect(&both, both.receiver, 1, 5);
    int result, sent = 0;
    for (int refused = 0; refused < 20; attend(&both)) {
        while ((result = answer(both.receiver, stuck, SL_LIVE_TO_SENDER_MAX, sent)) == SL_OK)
            assert_true(++sent < 100000);
        assert_int_equal(result, SL_EAGAIN);
        refused++;
    }
    assert_int_equal(answer(both.receiver, reader, 100, 7), SL_OK);
    assert_null(expect(&both, both.sender, 100, 7));
    UNTIL(&both, (closed_by_peer(fd), answer(both.receiver, stuck, 100, 0) == SL_OK));
    close(fd);
    sl_buffer_unref(&reader);
    sl_buffer_unref(&stuck);
    part(&both);
}

static void who_is_gone_is_told(void **state) {
    (void)state;
    ends both = meet(SL_PATTERN_LIVE);
    sl_buffer *from = introduce(&both, 1), *nobody = buffer_of(300, 9);
    assert_int_equal(answer(both.receiver, nobody, 10, 0), SL_EUNREACHABLE);
    sl_link_close(&both.sender, 0);
    UNTIL(&both, answer(both.receiver, from, 10, 0) == SL_EUNREACHABLE);
    both.sender = open_sender(SL_PATTERN_LIVE, state_of(both.receiver).port);
    sl_buffer *back = introduce(&both, 2);
    assert_int_equal(answer(both.receiver, from, 10, 0), SL_EUNREACHABLE);
    assert_int_equal(answer(both.receiver, back, 10, 3), SL_OK);
    assert_null(expect(&both, both.sender, 10, 3));
    sl_buffer_unref(&from);
    sl_buffer_unref(&nobody);
    sl_buffer_unref(&back);
    part(&both);
}

static void too_large_a_message_ends_its_connection_alone(void **state) {
    (void)state;
    ends both = meet(SL_PATTERN_LIVE);
    ends other = {.receiver = both.receiver,
                  .sender = open_sender(SL_PATTERN_LIVE, state_of(both.receiver).port)};
    sl_buffer *from = introduce(&both, 1), *second = introduce(&other, 2);
    assert_int_equal(send_chunk(both.sender, SL_LIVE_TO_RECEIVER_MAX, 3), SL_OK);
    sl_buffer *largest = expect(&both, both.receiver, SL_LIVE_TO_RECEIVER_MAX, 3);
    assert_int_equal(answer(both.receiver, from, SL_LIVE_TO_SENDER_MAX, 4), SL_OK);
    assert_null(expect(&both, both.sender, SL_LIVE_TO_SENDER_MAX, 4));
    assert_int_equal(send_chunk(both.sender, SL_LIVE_TO_RECEIVER_MAX + 1, 5), SL_OK);
    UNTIL(&both, state_of(both.sender).connects == 2 && state_of(both.sender).connected);
    sl_buffer *again = introduce(&both, 6);
    assert_int_equal(answer(both.receiver, again, SL_LIVE_TO_SENDER_MAX + 1, 7), SL_OK);
    UNTIL(&both, state_of(both.sender).connects == 3 && state_of(both.sender).connected);
    attend(&other);
    assert_int_equal(state_of(other.sender).connects, 1);
    assert_true(state_of(other.sender).connected);
    sl_buffer *unharmed = introduce(&other, 8);
    assert_int_equal(unharmed->size, second->size);
    assert_memory_equal(unharmed->data, second->data, second->size);
    sl_buffer *all[] = {from, second, largest, again, unharmed};
    for (size_t i = 0; i < SL_COUNT(all); i++)
        sl_buffer_unref(&all[i]);
    sl_link_close(&other.sender, 0);
    part(&both);
}

/* ZeroMQ joins REQ with ROUTER. The sender only finds out when it speaks: a short message is read
 * and tells what it is, a long one ends the connection before. */
static void reqrep_sender_at_live_receiver(void **state) {
    (void)state;
    static const size_t sizes[] = {1000, 300000};
    for (size_t i = 0; i < SL_COUNT(sizes); i++) {
        ends both = {.receiver = open_receiver(SL_PATTERN_LIVE, 0)};
        sl_link_message message;
        both.sender = open_sender(SL_PATTERN_REQREP, state_of(both.receiver).port);
        UNTIL(&both, (send_frame(both.sender, sizes[i], 0),
                      sl_link_receive(both.receiver, &message) == SL_EAGAIN &&
                          state_of(both.sender).refused && state_of(both.receiver).refused));
        assert_non_null(strstr(state_of(both.sender).refusal, "pattern live, not reqrep"));
        assert_non_null(strstr(state_of(both.receiver).refusal, "--pattern"));
        assert_int_equal(state_of(both.sender).connects, 0);
        assert_int_equal(state_of(both.receiver).connects, 0);
        assert_int_equal(state_of(both.receiver).most, 0);
        part(&both);
    }
}

static void only_dealers_are_senders(void **state) {
    (void)state;
    static const char *const types[] = {"REQ", "DEALER", "ROUTER", "DEALER"};
    ends both = {.receiver = open_receiver(SL_PATTERN_LIVE, 0)};
    uint64_t refused = 0, connects = 0;
    for (size_t i = 0; i < SL_COUNT(types); i++) {
        sl_link_message message = {0};
        bool fits = strcmp(types[i], "DEALER") == 0;
        connects += fits;
        refused += !fits;
        int fd = connect_zmtp(state_of(both.receiver).port, types[i]);
        say(&both, fd, 5);
        UNTIL(&both, (sl_link_receive(both.receiver, &message), fits)
                         ? message.count > 0
                         : state_of(both.receiver).refused == refused);
        assert_int_equal(message.count, fits);
        sl_link_message_clear(&message);
        if (!fits)
            UNTIL(&both, closed_by_peer(fd));
        close(fd);
        UNTIL(&both, !state_of(both.receiver).connected);
        assert_int_equal(state_of(both.receiver).refused, refused);
        assert_int_equal(state_of(both.receiver).connects, connects);
    }
    part(&both);
}

/* A viewer of neither kind that ZeroMQ joins with a sender. */
static void only_routers_are_viewers(void **state) {
    (void)state;
    static const char *const types[] = {"DEALER", "REP"};
    for (size_t i = 0; i < SL_COUNT(types); i++) {
        int port, listening = listen_raw(&port);
        ends both = {.sender = open_sender(SL_PATTERN_LIVE, port)};
        uint8_t handshake[128];
        size_t size = write_handshake(handshake, types[i]);
        int fd = accept(listening, NULL, NULL);
        send(fd, handshake, size, MSG_NOSIGNAL);
        say(&both, fd, 5);
        sl_link_message message;
        UNTIL(&both,
              sl_link_receive(both.sender, &message) == SL_EAGAIN && state_of(both.sender).refused);
        assert_non_null(strstr(state_of(both.sender).refusal, "--pattern"));
        assert_int_equal(state_of(both.sender).connects, 0);
        UNTIL(&both, closed_by_peer(fd));
        close(fd);
        close(listening);
        part(&both);
    }
}

static void who_never_speaks_is_found(void **state) {
    (void)state;
    sl_peers peers = {.count = 3};
    for (size_t i = 0; i < peers.count; i++)
        peers.all[i] = (sl_peer){.fd = -1, .mark_us = (int64_t)i, .heard = i == 0};
    assert_ptr_equal(sl_peers_silent(&peers, 2), &peers.all[1]);
    assert_null(sl_peers_silent(&peers, 1));
    assert_int_equal(sl_peers_heard_count(&peers), 1);
}

/* Whether there is a connection to the port whose unsent bytes are bounded so. */
static bool is_bounded(int port, int bytes) {
    for (int fd = 3; fd < 1024; fd++) {
        struct sockaddr_in address;
        socklen_t size = sizeof address, value_size = sizeof(int);
        int value = 0;
        if (getpeername(fd, (struct sockaddr *)&address, &size) == 0 &&
            address.sin_family == AF_INET && ntohs(address.sin_port) == port &&
            getsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &value, &value_size) == 0 &&
            value == bytes)
            return true;
    }
    return false;
}

static void kernel_hides_little_over_tcp(void **state) {
    (void)state;
    ends both = meet(SL_PATTERN_LIVE);
    int port = state_of(both.receiver).port;
    assert_true(is_bounded(port, 64 * 1024));
    sl_link_pace(both.sender, 5000000);
    assert_true(is_bounded(port, 100000));
    sl_link_pace(both.sender, 1);
    assert_true(is_bounded(port, 16 * 1024));
    sl_link_pace(both.sender, INT64_MAX);
    assert_true(is_bounded(port, 256 * 1024));
    assert_int_equal(sl_link_rebuild(both.sender), SL_OK);
    UNTIL(&both, state_of(both.sender).connects == 2);
    assert_true(is_bounded(port, 256 * 1024));
    part(&both);
}

/* A tunnel's end that takes nothing: what was sent waits where it is counted, in ZeroMQ. */
static void socket_of_a_tunnel_holds_little(void **state) {
    (void)state;
    char folder[] = "/tmp/sl-live-XXXXXX", endpoint[64];
    assert_non_null(mkdtemp(folder));
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/s", folder);
    snprintf(endpoint, sizeof endpoint, "ipc://%s", address.sun_path);
    int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), waiting = 0, before = -1;
    assert_int_equal(bind(listening, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listening, 1), 0);
    sl_link_settings settings = settings_for(SL_PATTERN_LIVE, 1);
    ends both = {0};
    assert_int_equal(sl_link_open(&both.sender, &settings, SL_ROLE_SENDER, endpoint, NULL), SL_OK);
    int fd = accept(listening, NULL, NULL);
    uint8_t handshake[128];
    size_t size = write_handshake(handshake, "ROUTER");
    assert_int_equal(send(fd, handshake, size, MSG_NOSIGNAL), (ssize_t)size);
    UNTIL(&both, state_of(both.sender).connected);
    for (int i = 0; i < 16; i++)
        assert_int_equal(send_chunk(both.sender, 32 * 1024, i), SL_OK);
    for (int same = 0; same<20; same = waiting> 0 && waiting == before ? same + 1 : 0) {
        before = waiting;
        attend(&both);
        assert_int_equal(ioctl(fd, FIONREAD, &waiting), 0);
    }
    assert_true(waiting > 0 && waiting <= 64 * 1024);
    close(fd);
    close(listening);
    part(&both);
    unlink(address.sun_path);
    assert_int_equal(rmdir(folder), 0);
}

/* Looks for a live viewer at the port. */
static int examine(int port, sl_link_examination *found) {
    sl_link_settings settings = settings_for(SL_PATTERN_LIVE, port);
    return sl_link_examine(&settings, NULL, NULL, sl_deadline_us(5000), found);
}

static void doctor_knows_a_live_viewer(void **state) {
    (void)state;
    sl_link_examination found;
    ends live = {.receiver = open_receiver(SL_PATTERN_LIVE, 0)};
    ends other = {.receiver = open_receiver(SL_PATTERN_REQREP, 0)};
    assert_int_equal(examine(state_of(live.receiver).port, &found), SL_OK);
    assert_true(found.answered && found.round_trip_us >= 0);
    assert_int_equal(examine(state_of(other.receiver).port, &found), SL_EPEER);
    assert_non_null(strstr(sl_error(), "pattern reqrep, not live"));
    UNTIL(&other, state_of(other.receiver).refused == 1);
    attend(&live);
    assert_int_equal(state_of(live.receiver).refused, 0);
    part(&live);
    part(&other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_reach_the_one_they_are_for),
        cmocka_unit_test(who_has_only_connected_is_not_there),
        cmocka_unit_test(one_who_does_not_read_holds_up_no_other),
        cmocka_unit_test(who_is_gone_is_told),
        cmocka_unit_test(too_large_a_message_ends_its_connection_alone),
        cmocka_unit_test(reqrep_sender_at_live_receiver),
        cmocka_unit_test(only_dealers_are_senders),
        cmocka_unit_test(only_routers_are_viewers),
        cmocka_unit_test(who_never_speaks_is_found),
        cmocka_unit_test(kernel_hides_little_over_tcp),
        cmocka_unit_test(socket_of_a_tunnel_holds_little),
        cmocka_unit_test(doctor_knows_a_live_viewer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
