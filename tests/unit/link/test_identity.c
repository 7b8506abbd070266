/* Peers of ROUTER and REP choose the identity by which libzmq tells them apart: one that another
 * has, for instance. */
#include "base/settings.h"
#include "ends.h"

/* A raw DEALER that has chosen its identity. */
static int connect_as(int port, const char *identity) {
    uint8_t bytes[256];
    size_t length = strlen(identity), size = write_handshake(bytes, "DEALER");
    memcpy(bytes + size, "\10Identity\0\0\0", 12);
    bytes[size + 12] = (uint8_t)length;
    memcpy(bytes + size + 13, identity, length);
    bytes[65] = (uint8_t)(bytes[65] + 13 + length);
    size += 13 + length;
    int fd = connect_raw(port);
    assert_int_equal(send(fd, bytes, size, MSG_NOSIGNAL), (ssize_t)size);
    return fd;
}

static void identity_is_taken_over_by_nobody(void **state) {
    (void)state;
    static const uint8_t theft[] = {0, 1, 2};
    ends both = {.receiver = open_receiver(SL_PATTERN_LIVE, 0)};
    int port = state_of(both.receiver).port, owner = connect_as(port, "porch");
    say(&both, owner, 1);
    sl_link_message first;
    UNTIL(&both, sl_link_receive(both.receiver, &first) == SL_OK);
    assert_int_equal(first.from->size, strlen("porch"));
    int thief = connect_as(port, "porch");
    say(&both, thief, 2);
    for (int i = 0; i < 5; i++) {
        sl_link_message message;
        uint8_t heard[16];
        send(thief, theft, sizeof theft, MSG_NOSIGNAL);
        attend(&both);
        assert_int_equal(sl_link_receive(both.receiver, &message), SL_EAGAIN);
        assert_int_equal(sl_link_send_to(both.receiver, first.from, first.parts, 1), SL_OK);
        UNTIL(&both, recv(owner, heard, 3, MSG_DONTWAIT) == 3);
        assert_int_equal(heard[2], 1);
        assert_int_equal(recv(thief, heard, 1, MSG_DONTWAIT), -1);
    }
    assert_int_equal(state_of(both.receiver).connects, 1);
    close(thief);
    close(owner);
    sl_link_message_clear(&first);
    part(&both);
}

/* libzmq keeps what came by an identity that is taken until its socket is closed, as it is when
 * there was enough of that. */
static void what_nobody_can_read_is_bounded(void **state) {
    (void)state;
    static const sl_pattern patterns[] = {SL_PATTERN_REQREP, SL_PATTERN_LIVE};
    for (size_t i = 0; i < SL_COUNT(patterns); i++) {
        ends both = {.receiver = open_receiver(patterns[i], 0)};
        int port = state_of(both.receiver).port, owner = connect_as(port, "porch");
        say(&both, owner, 1);
        int others[80];
        for (size_t j = 0; j < SL_COUNT(others); j++) {
            others[j] = connect_as(port, "porch");
            say(&both, others[j], 2);
        }
        assert_int_equal(state_of(both.receiver).refused, 0);
        for (size_t j = 0; j < SL_COUNT(others); j++)
            close(others[j]);
        UNTIL(&both, closed_by_peer(owner));
        assert_non_null(strstr(state_of(both.receiver).refusal, "all were ended"));
        close(owner);
        sl_link_message message = {0};
        both.sender = open_sender(patterns[i], port);
        UNTIL(&both, (send_frame(both.sender, 1000, 3),
                      sl_link_receive(both.receiver, &message) == SL_OK && message.count == 2) ||
                         (sl_link_message_clear(&message), false));
        assert_frame(&message, 1000, 3);
        sl_link_message_clear(&message);
        part(&both);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identity_is_taken_over_by_nobody),
        cmocka_unit_test(what_nobody_can_read_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
