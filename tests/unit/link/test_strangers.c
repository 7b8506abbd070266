/* Peers that are none: another pattern, no ZeroMQ at all, too much of everything. */
#include "base/settings.h"
#include "crowd.h"

#include <pthread.h>

static const sl_pattern all_patterns[] = {SL_PATTERN_PAIR, SL_PATTERN_REQREP, SL_PATTERN_PUBSUB,
                                          SL_PATTERN_LIVE};
static const char *const sender_types[] = {"PAIR", "REQ", "PUB", "DEALER"};

/* A live receiver has a peer only when that has said something, and what it was is read. */
static bool has_peer(const ends *both, sl_pattern pattern) {
    sl_link_message message;
    if (pattern == SL_PATTERN_LIVE) {
        if (both->sender)
            send_text(both->sender, "hello");
        if (sl_link_receive(both->receiver, &message) == SL_OK)
            sl_link_message_clear(&message);
    }
    return state_of(both->receiver).connected;
}

static void every_wrong_pattern(void **state) {
    (void)state;
    for (size_t i = 0; i < SL_COUNT(all_patterns); i++) {
        for (size_t j = 0; j < SL_COUNT(all_patterns); j++) {
            if (i == j)
                continue;
            ends both = {.receiver = open_receiver(all_patterns[i], 0)};
            both.sender = open_sender(all_patterns[j], state_of(both.receiver).port);
            /* Some only find out when they speak: ZeroMQ joins REQ with ROUTER, DEALER with REP. */
            UNTIL(&both, (send_frame(both.sender, 1000, 0), has_peer(&both, all_patterns[i]),
                          state_of(both.sender).refused && state_of(both.receiver).refused));
            assert_int_equal(state_of(both.sender).connects, 0);
            assert_false(state_of(both.sender).connected);
            /* A live sender is let in by REP for a moment, and hears that it's no place for it. */
            if (all_patterns[i] != SL_PATTERN_REQREP || all_patterns[j] != SL_PATTERN_LIVE) {
                assert_int_equal(state_of(both.receiver).connects, 0);
                assert_false(state_of(both.receiver).connected);
            }
            assert_non_null(strstr(state_of(both.sender).refusal, "the viewer at"));
            assert_non_null(
                strstr(state_of(both.sender).refusal, sl_pattern_name(all_patterns[i])));
            assert_non_null(
                strstr(state_of(both.sender).refusal, sl_pattern_name(all_patterns[j])));
            assert_non_null(strstr(state_of(both.receiver).refusal, "--pattern"));
            part(&both);
        }
    }
}

static void raw_socket_types(void **state) {
    (void)state;
    static const char *const types[] = {"PAIR", "REQ",    "REP",  "PUB",  "SUB",
                                        "XPUB", "DEALER", "PUSH", "NONE", ""};
    for (size_t i = 0; i < 3; i++) { /* NetGear's patterns; for live see test_live.c */
        ends both = {.receiver = open_receiver(all_patterns[i], 0)};
        uint64_t refused = 0, connects = 0;
        for (size_t j = 0; j < SL_COUNT(types); j++) {
            int fd = connect_zmtp(state_of(both.receiver).port, types[j]);
            bool fits = strcmp(types[j], sender_types[i]) == 0 ||
                        (i == 1 && strcmp(types[j], "DEALER") == 0) ||
                        (i == 2 && strcmp(types[j], "XPUB") == 0);
            connects += fits;
            refused += !fits;
            UNTIL(&both, state_of(both.receiver).refused == refused &&
                             state_of(both.receiver).connects == connects);
            if (!fits)
                UNTIL(&both, closed_by_peer(fd));
            close(fd);
            UNTIL(&both, !state_of(both.receiver).connected);
        }
        part(&both);
    }
}

/* A sender whose first peer was wrong finds the right one that comes later. */
static void sender_tries_again(void **state) {
    (void)state;
    for (size_t i = 0; i < SL_COUNT(all_patterns); i++) {
        ends both = {.receiver = open_receiver(all_patterns[(i + 1) % SL_COUNT(all_patterns)], 0)};
        int port = state_of(both.receiver).port;
        both.sender = open_sender(all_patterns[i], port);
        UNTIL(&both, state_of(both.sender).refused > 0);
        sl_link_close(&both.receiver, 0);
        both.receiver = open_receiver(all_patterns[i], port);
        UNTIL(&both, state_of(both.sender).connected && has_peer(&both, all_patterns[i]));
        part(&both);
    }
}

static const char *const greetings[] = {
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
    "\x16\x03\x01\x02\x01\x01\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7\xf6\xf5\xf4\xf3\xf2",
    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
    "\xff\xff\xff\xff\xff\xff\xff\xff",
    "\x01",
};

static void callers_that_are_no_peers(void **state) {
    (void)state;
    for (size_t i = 0; i < SL_COUNT(all_patterns); i++) {
        ends both = {.receiver = open_receiver(all_patterns[i], 0)};
        int port = state_of(both.receiver).port;
        for (size_t j = 0; j < SL_COUNT(greetings); j++) {
            int fd = connect_raw(port);
            assert_true(send(fd, greetings[j], strlen(greetings[j]), MSG_NOSIGNAL) > 0);
            UNTIL(&both, closed_by_peer(fd));
            UNTIL(&both, state_of(both.receiver).refused == j + 1);
            close(fd);
        }
        assert_false(state_of(both.receiver).connected);
        both.sender = open_sender(all_patterns[i], port);
        UNTIL(&both, state_of(both.sender).connected && has_peer(&both, all_patterns[i]));
        part(&both);
    }
}

/* Many only look whether a viewer is there, and then come. Who doesn't may be a sender of another
 * pattern, which found that out first. */
static void callers_that_break_off(void **state) {
    (void)state;
    ends met = {.receiver = open_receiver(SL_PATTERN_PAIR, 0)};
    close(connect_raw(state_of(met.receiver).port));
    met.sender = open_sender(SL_PATTERN_PAIR, state_of(met.receiver).port);
    UNTIL(&met, state_of(met.receiver).connected);

    ends alone = {.receiver = open_receiver(SL_PATTERN_LIVE, 0)};
    uint8_t handshake[128];
    write_handshake(handshake, "PAIR");
    int fd = connect_raw(state_of(alone.receiver).port);
    assert_int_equal(send(fd, handshake, ZMTP_GREETING, MSG_NOSIGNAL), ZMTP_GREETING);
    close(fd);
    UNTIL(&alone, state_of(alone.receiver).refused == 1);
    assert_non_null(strstr(state_of(alone.receiver).refusal, "left before it was known"));
    assert_non_null(strstr(state_of(alone.receiver).refusal, "pair, reqrep or pubsub here"));
    part(&alone);

    for (int i = 0; i < 20; i++)
        attend(&met);
    assert_int_equal(state_of(met.receiver).refused, 0);
    part(&met);
}

/* Who says nothing is no danger to those who come after. */
static void silent_callers(void **state) {
    (void)state;
    for (size_t i = 0; i < SL_COUNT(all_patterns); i++) {
        ends both = {.receiver = open_receiver(all_patterns[i], 0)};
        int port = state_of(both.receiver).port;
        int silent[100];
        for (size_t j = 0; j < SL_COUNT(silent); j++)
            silent[j] = connect_raw(port);
        both.sender = open_sender(all_patterns[i], port);
        UNTIL(&both, state_of(both.sender).connected && has_peer(&both, all_patterns[i]));
        for (size_t j = 0; j < SL_COUNT(silent); j++)
            close(silent[j]);
        for (int j = 0; j < 20; j++)
            attend(&both);
        assert_int_equal(state_of(both.receiver).refused, 0);
        assert_true(state_of(both.receiver).connected);
        part(&both);
    }
}

static int accept_one(const ends *both, int listening) {
    struct pollfd polled = {.fd = listening, .events = POLLIN};
    UNTIL(both, poll(&polled, 1, 0) == 1);
    return accept(listening, NULL, NULL);
}

static void servers_that_are_no_viewers(void **state) {
    (void)state;
    for (size_t i = 0; i < SL_COUNT(all_patterns); i++) {
        int port;
        int listening = listen_raw(&port);
        ends both = {.sender = open_sender(all_patterns[i], port)};
        /* One that closes without a word: a tunnel whose far end is not there yet. */
        for (int j = 0; j < 3; j++)
            close(accept_one(&both, listening));
        assert_int_equal(state_of(both.sender).refused, 0);
        while (state_of(both.sender).refused == 0) { /* some may have been given up meanwhile */
            int fd = accept_one(&both, listening);
            send(fd, greetings[1], strlen(greetings[1]), MSG_NOSIGNAL);
            UNTIL(&both, closed_by_peer(fd));
            attend(&both);
            close(fd);
        }
        assert_non_null(strstr(state_of(both.sender).refusal, "is no viewer"));
        close(listening);
        part(&both);
    }
}

/* Greets whoever connects, until its listening socket is shut. */
static void *greet_all(void *argument) {
    int listening = *(int *)argument, fd;
    while ((fd = accept(listening, NULL, NULL)) >= 0) {
        send(fd, greetings[1], strlen(greetings[1]), MSG_NOSIGNAL);
        char dropped[256];
        while (recv(fd, dropped, sizeof dropped, 0) > 0)
            continue;
        close(fd);
    }
    return NULL;
}

static void stranger_is_quoted(void **state) {
    (void)state;
    int port;
    int listening = listen_raw(&port);
    pthread_t server;
    assert_int_equal(pthread_create(&server, NULL, greet_all, &listening), 0);
    ends both = {.sender = open_sender(SL_PATTERN_PAIR, port)};
    UNTIL(&both, state_of(both.sender).refused == 1);
    assert_non_null(strstr(state_of(both.sender).refusal, "it says \"SSH-2.0-OpenSSH"));
    part(&both);
    shutdown(listening, SHUT_RDWR);
    pthread_join(server, NULL);
    close(listening);
}

/* Ends the connection of a peer that has greeted and goes on, as a viewer of another pattern does
 * who finds out first; and tells who it is to one who waits for that. */
static void *break_off_first(void *argument) {
    int listening = *(int *)argument, fd;
    uint8_t handshake[128], heard[256];
    size_t size = write_handshake(handshake, "REP");
    while ((fd = accept(listening, NULL, NULL)) >= 0) {
        struct pollfd polled = {.fd = fd, .events = POLLIN};
        send(fd, handshake, ZMTP_GREETING, MSG_NOSIGNAL);
        recv(fd, heard, ZMTP_GREETING, MSG_WAITALL);
        if (poll(&polled, 1, 300) == 0) {
            send(fd, handshake + ZMTP_GREETING, size - ZMTP_GREETING, MSG_NOSIGNAL);
            while (recv(fd, heard, sizeof heard, 0) > 0)
                continue;
        }
        close(fd);
    }
    return NULL;
}

static void viewer_that_finds_out_first(void **state) {
    (void)state;
    int port;
    int listening = listen_raw(&port);
    pthread_t server;
    assert_int_equal(pthread_create(&server, NULL, break_off_first, &listening), 0);
    ends both = {.sender = open_sender(SL_PATTERN_PAIR, port)};
    UNTIL(&both, state_of(both.sender).refused == 1);
    assert_non_null(strstr(state_of(both.sender).refusal, "uses the pattern reqrep, not pair"));
    part(&both);
    shutdown(listening, SHUT_RDWR);
    pthread_join(server, NULL);
    close(listening);
}

static void other_security(void **state) {
    (void)state;
    ends both = {.receiver = open_receiver(SL_PATTERN_PAIR, 0)};
    uint8_t handshake[128];
    size_t size = write_handshake(handshake, "PAIR");
    memcpy(handshake + 12, "CURVE", 5);
    int fd = connect_raw(state_of(both.receiver).port);
    assert_int_equal(send(fd, handshake, size, MSG_NOSIGNAL), (ssize_t)size);
    UNTIL(&both, state_of(both.receiver).refused == 1);
    assert_non_null(strstr(state_of(both.receiver).refusal, "secure_mode"));
    close(fd);
    part(&both);
}

/* The decoder would allocate whatever a peer says is coming. */
static void huge_claims(void **state) {
    (void)state;
    for (size_t i = 0; i < SL_COUNT(all_patterns); i++) {
        ends both = {.receiver = open_receiver(all_patterns[i], 0)};
        int fd = connect_zmtp(state_of(both.receiver).port, sender_types[i]);
        UNTIL(&both, has_peer(&both, all_patterns[i]) || all_patterns[i] == SL_PATTERN_LIVE);
        const uint8_t claim[9] = {2, 0, 0, 0, 0x10, 0, 0, 0, 0}; /* 64 GiB in one part */
        assert_int_equal(send(fd, claim, sizeof claim, MSG_NOSIGNAL), sizeof claim);
        UNTIL(&both, closed_by_peer(fd));
        UNTIL(&both, !state_of(both.receiver).connected);
        close(fd);
        part(&both);
    }
}

static void limit_is_kept(void **state) {
    (void)state;
    sl_link_settings settings = settings_for(SL_PATTERN_PAIR, 0);
    settings.max_message_bytes = 100000;
    ends both = {0};
    assert_int_equal(sl_link_open(&both.receiver, &settings, SL_ROLE_RECEIVER, NULL, NULL), SL_OK);
    both.sender = open_sender(SL_PATTERN_PAIR, state_of(both.receiver).port);
    UNTIL(&both, send_frame(both.sender, 100000, 1) == SL_OK);
    sl_link_message message;
    UNTIL(&both, sl_link_receive(both.receiver, &message) == SL_OK);
    sl_link_message_clear(&message);
    assert_int_equal(send_frame(both.sender, 100001, 1), SL_OK);
    UNTIL(&both, state_of(both.sender).connects == 2 && state_of(both.sender).connected);
    UNTIL(&both, send_frame(both.sender, 1000, 1) == SL_OK);
    UNTIL(&both, sl_link_receive(both.receiver, &message) == SL_OK);
    assert_frame(&message, 1000, 1);
    sl_link_message_clear(&message);
    part(&both);
}

/* Sends as much as goes; -1 when the connection has ended. */
static ssize_t push(int fd, const uint8_t *bytes, size_t size) {
    ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent >= 0 ? sent : errno == EAGAIN ? 0 : -1;
}

#define LAST 2 /* the flags of a part with a long size */
#define MORE 3

#define PART_BYTES 1009 /* 1000 and their head */

static uint8_t parts[64 * PART_BYTES];

static void write_parts(uint8_t flags) {
    for (size_t i = 0; i < 64; i++) {
        const uint8_t head[9] = {flags, 0, 0, 0, 0, 0, 0, 1000 >> 8, 1000 & 0xff};
        memset(parts + i * PART_BYTES, 5, PART_BYTES);
        memcpy(parts + i * PART_BYTES, head, sizeof head);
    }
}

/* Sends `size` bytes of such parts, or less when the connection ends. */
static void push_parts(const ends *both, int fd, size_t size) {
    int64_t until_us = sl_now_us() + PATIENCE_US;
    for (size_t sent = 0; sent < size; attend(both)) {
        size_t offset = sent % sizeof parts, left = sizeof parts - offset;
        ssize_t went = push(fd, parts + offset, left < size - sent ? left : size - sent);
        if (went < 0)
            return;
        sent += (size_t)went;
        assert_true(sl_now_us() < until_us);
    }
}

/* Parts without end: no single one is too large, and the message is never whole. */
static void unending_message(void **state) {
    (void)state;
    write_parts(MORE);
    sl_link_settings settings = settings_for(SL_PATTERN_PAIR, 0);
    settings.max_message_bytes = 1 << 20;
    ends both = {0};
    assert_int_equal(sl_link_open(&both.receiver, &settings, SL_ROLE_RECEIVER, NULL, NULL), SL_OK);
    int fd = connect_zmtp(state_of(both.receiver).port, "PAIR");
    UNTIL(&both, state_of(both.receiver).connected);
    size_t sent = 0, offset = 0;
    int64_t until_us = sl_now_us() + PATIENCE_US;
    for (ssize_t went; (went = push(fd, parts + offset, sizeof parts - offset)) >= 0;) {
        assert_true(sl_now_us() < until_us);
        sent += (size_t)went;
        offset = (offset + (size_t)went) % sizeof parts;
        sl_link_wait(both.receiver, -1, NULL, 0);
    }
    assert_true(sent > 4 << 20);
    UNTIL(&both, state_of(both.receiver).refused == 1);
    close(fd);
    both.sender = open_sender(SL_PATTERN_PAIR, state_of(both.receiver).port);
    UNTIL(&both, state_of(both.sender).connected && state_of(both.receiver).connected);
    part(&both);
}

/* The same at a live receiver, who has smaller bounds; its other peers stay. */
static void unending_live_message(void **state) {
    (void)state;
    write_parts(MORE);
    ends both = meet(SL_PATTERN_LIVE);
    int fd = connect_zmtp(state_of(both.receiver).port, "DEALER");
    UNTIL(&both, has_peer(&both, SL_PATTERN_LIVE));
    push_parts(&both, fd, 4 << 20);
    UNTIL(&both, closed_by_peer(fd));
    assert_int_equal(state_of(both.receiver).refused, 1);
    close(fd);
    for (int i = 0; i < 20; i++)
        attend(&both);
    assert_int_equal(state_of(both.sender).connects, 1);
    assert_true(state_of(both.receiver).connected);
    part(&both);
}

/* None holds more unfinished than one may, but all together do: as many are ended as it takes, and
 * the others may finish. */
static void unending_messages(void **state) {
    (void)state;
    write_parts(MORE);
    sl_link_settings settings = settings_for(SL_PATTERN_PUBSUB, 0);
    settings.max_message_bytes = 65536;
    ends both = {0};
    assert_int_equal(sl_link_open(&both.receiver, &settings, SL_ROLE_RECEIVER, NULL, NULL), SL_OK);
    int peers[6];
    for (size_t i = 0; i < SL_COUNT(peers); i++)
        peers[i] = connect_zmtp(state_of(both.receiver).port, "PUB");
    UNTIL(&both, state_of(both.receiver).connects == SL_COUNT(peers));
    for (size_t i = 0; i < SL_COUNT(peers); i++)
        push_parts(&both, peers[i], 2000 * PART_BYTES);
    UNTIL(&both, count_closed(peers, SL_COUNT(peers)) == 2);
    assert_int_equal(state_of(both.receiver).refused, 2);
    for (size_t i = 0; i < SL_COUNT(peers); i++) {
        static const uint8_t last[] = {0, 1, 5};
        sl_link_message message;
        if (!closed_by_peer(peers[i])) {
            assert_int_equal(send(peers[i], last, sizeof last, MSG_NOSIGNAL), sizeof last);
            UNTIL(&both, sl_link_receive(both.receiver, &message) == SL_OK);
            assert_true(message.truncated);
            sl_link_message_clear(&message);
        }
        close(peers[i]);
    }
    part(&both);
}

/* However many connect: who has a place and says something keeps it, and is watched. */
static void places_are_limited(void **state) {
    (void)state;
    write_parts(MORE);
    sl_link_settings settings = settings_for(SL_PATTERN_PUBSUB, 0);
    settings.max_message_bytes = 65536;
    ends both = {0};
    assert_int_equal(sl_link_open(&both.receiver, &settings, SL_ROLE_RECEIVER, NULL, NULL), SL_OK);
    int port = state_of(both.receiver).port, peers[SL_PEERS_MAX];
    fill(&both, "PUB", peers, SL_PEERS_MAX);
    for (int i = 0; i < 5; i++) {
        static const uint8_t whole[] = {0, 1, 5};
        for (size_t j = 0; j < SL_PEERS_MAX; j++)
            hear(&both, peers[j], whole, sizeof whole);
        int surplus = connect_raw(port);
        UNTIL(&both, closed_by_peer(surplus));
        close(surplus);
    }
    assert_int_equal(state_of(both.receiver).refused, 1); /* one burst */
    for (size_t i = 0; i < SL_PEERS_MAX; i++)
        assert_false(closed_by_peer(peers[i]));
    close(peers[0]);
    peers[0] = connect_more(&both, "PUB");
    push_parts(&both, peers[0], 4000000);
    UNTIL(&both, closed_by_peer(peers[0]));
    assert_int_equal(count_closed(peers, SL_PEERS_MAX), 1);
    for (size_t i = 0; i < SL_PEERS_MAX; i++)
        close(peers[i]);
    part(&both);
}

/* Reads and drops what a sender says first, and answers as a subscriber would. */
static int accept_subscriber(const ends *both, int listening) {
    uint8_t handshake[128];
    size_t size = write_handshake(handshake, "SUB");
    int fd = accept_one(both, listening);
    assert_int_equal(send(fd, handshake, size, MSG_NOSIGNAL), (ssize_t)size);
    return fd;
}

static void subscriptions(void **state) {
    (void)state;
    int port;
    int listening = listen_raw(&port);
    ends both = {.sender = open_sender(SL_PATTERN_PUBSUB, port)};
    int fd = accept_subscriber(&both, listening);
    UNTIL(&both, state_of(both.sender).connects == 1);
    assert_false(state_of(both.sender).connected);
    assert_int_equal(send_frame(both.sender, 10, 0), SL_EAGAIN);
    static const uint8_t topic[] = {0, 2, 1, 'x'}, all[] = {0, 1, 1}, none[] = {0, 1, 0};
    send(fd, topic, sizeof topic, MSG_NOSIGNAL);
    send(fd, all, sizeof all, MSG_NOSIGNAL);
    UNTIL(&both, state_of(both.sender).connected);
    assert_int_equal(send_frame(both.sender, 10, 0), SL_OK);
    send(fd, none, sizeof none, MSG_NOSIGNAL);
    UNTIL(&both, !state_of(both.sender).connected);
    send(fd, all, sizeof all, MSG_NOSIGNAL);
    UNTIL(&both, state_of(both.sender).connected);
    for (int i = 0; i < 200; i++) {
        const uint8_t many[] = {0, 2, 1, (uint8_t)i};
        send(fd, many, sizeof many, MSG_NOSIGNAL);
    }
    UNTIL(&both, state_of(both.sender).refused == 1);
    assert_false(state_of(both.sender).connected);
    close(fd);
    close(listening);
    part(&both);
}

/* A publisher counts what a subscriber has not finished, not what it said in all its time. */
static void talkative_subscriber(void **state) {
    (void)state;
    int port;
    int listening = listen_raw(&port);
    sl_link_settings settings = settings_for(SL_PATTERN_PUBSUB, port);
    settings.max_message_bytes = 65536;
    ends both = {0};
    assert_int_equal(sl_link_open(&both.sender, &settings, SL_ROLE_SENDER, NULL, NULL), SL_OK);
    int fd = accept_subscriber(&both, listening);
    UNTIL(&both, state_of(both.sender).connects == 1);
    static const uint8_t all[] = {0, 1, 1};
    send(fd, all, sizeof all, MSG_NOSIGNAL);
    UNTIL(&both, state_of(both.sender).connected);
    write_parts(LAST);
    push_parts(&both, fd, 100 * sizeof parts);
    int64_t looked_us = sl_now_us() + SL_SECOND_US / 2;
    UNTIL(&both, sl_now_us() > looked_us);
    assert_int_equal(state_of(both.sender).refused, 0);
    assert_true(state_of(both.sender).connected);
    write_parts(MORE);
    push_parts(&both, fd, 100 * sizeof parts);
    UNTIL(&both, state_of(both.sender).refused == 1);
    close(fd);
    close(listening);
    part(&both);
}

/* Closing must not hang, whatever peers are up to. */
static void closing_amid_everything(void **state) {
    (void)state;
    for (size_t i = 0; i < SL_COUNT(all_patterns); i++) {
        int port;
        int listening = listen_raw(&port);
        ends both = {.sender = open_sender(all_patterns[i], port)};
        int silent = accept_one(&both, listening);
        sl_link_close(&both.sender, 1000);
        both.receiver = open_receiver(all_patterns[i], 0);
        int half = connect_raw(state_of(both.receiver).port);
        assert_int_equal(send(half, "\xff", 1, MSG_NOSIGNAL), 1);
        attend(&both);
        sl_link_close(&both.receiver, 1000);
        close(half);
        close(silent);
        close(listening);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_wrong_pattern),
        cmocka_unit_test(raw_socket_types),
        cmocka_unit_test(sender_tries_again),
        cmocka_unit_test(callers_that_are_no_peers),
        cmocka_unit_test(callers_that_break_off),
        cmocka_unit_test(silent_callers),
        cmocka_unit_test(servers_that_are_no_viewers),
        cmocka_unit_test(stranger_is_quoted),
        cmocka_unit_test(viewer_that_finds_out_first),
        cmocka_unit_test(other_security),
        cmocka_unit_test(huge_claims),
        cmocka_unit_test(limit_is_kept),
        cmocka_unit_test(unending_message),
        cmocka_unit_test(unending_live_message),
        cmocka_unit_test(unending_messages),
        cmocka_unit_test(places_are_limited),
        cmocka_unit_test(subscriptions),
        cmocka_unit_test(talkative_subscriber),
        cmocka_unit_test(closing_amid_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
