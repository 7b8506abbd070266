/* Two ends that meet: every pattern and protocol, in either order, through rebuilds and ends. */
#include "base/settings.h"
#include "ends.h"

#include <dirent.h>
#include <fcntl.h>
#include <time.h>

static const sl_pattern all_patterns[] = {SL_PATTERN_PAIR, SL_PATTERN_REQREP, SL_PATTERN_PUBSUB};

static sl_link_message receive(const ends *both, sl_link *link) {
    sl_link_message message;
    int result = SL_EAGAIN;
    UNTIL(both, (result = sl_link_receive(link, &message)) != SL_EAGAIN);
    assert_int_equal(result, SL_OK);
    return message;
}

static void exchange(const ends *both, sl_pattern pattern, size_t size, int seed) {
    UNTIL(both, send_frame(both->sender, size, seed) == SL_OK);
    sl_link_message frame = receive(both, both->receiver);
    assert_frame(&frame, size, seed);
    sl_link_message_clear(&frame);
    if (pattern == SL_PATTERN_PUBSUB)
        return;
    assert_int_equal(send_text(both->receiver, "Data received"), SL_OK);
    sl_link_message reply = receive(both, both->sender);
    assert_int_equal(reply.count, 1);
    assert_memory_equal(reply.parts[0]->data, "Data received", reply.parts[0]->size);
    sl_link_message_clear(&reply);
}

/* Sockets that follow each other fast may meet while the ones before are still going: what is sent
 * then may be lost. */
static void exchange_at_last(const ends *both, size_t size, int seed) {
    sl_link_message frame = {0};
    UNTIL(both,
          (send_frame(both->sender, size, seed), sl_link_receive(both->receiver, &frame) == SL_OK));
    assert_frame(&frame, size, seed);
    sl_link_message_clear(&frame);
}

static void frames_of_all_sizes(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 29, 33, 34, 8191, 8192, 300000, 6220800};
    for (size_t i = 0; i < SL_COUNT(all_patterns); i++) {
        ends both = meet(all_patterns[i]);
        for (size_t j = 0; j < SL_COUNT(sizes); j++)
            exchange(&both, all_patterns[i], sizes[j], (int)j);
        part(&both);
    }
}

static void sender_starts_first(void **state) {
    (void)state;
    for (size_t i = 0; i < SL_COUNT(all_patterns); i++) {
        int port;
        close(listen_raw(&port));
        ends both = {.sender = open_sender(all_patterns[i], port)};
        sl_link_wait(both.sender, -1, NULL, sl_deadline_us(150));
        assert_false(state_of(both.sender).connected);
        assert_false(sl_link_writable(both.sender));
        assert_int_equal(send_frame(both.sender, 1000, 0), SL_EAGAIN);
        both.receiver = open_receiver(all_patterns[i], port);
        exchange(&both, all_patterns[i], 1000, 1);
        assert_true(state_of(both.sender).connected);
        assert_int_equal(state_of(both.sender).connects, 1);
        part(&both);
    }
}

static void over_ipc(void **state) {
    (void)state;
    char path[] = "/tmp/sl-link-XXXXXX";
    assert_non_null(mkdtemp(path));
    char address[64];
    snprintf(address, sizeof address, "%s/s", path);
    for (size_t i = 0; i < SL_COUNT(all_patterns); i++) {
        sl_link_settings settings = settings_for(all_patterns[i], 1);
        settings.protocol = SL_PROTOCOL_IPC;
        settings.address = address;
        ends both;
        assert_int_equal(sl_link_open(&both.receiver, &settings, SL_ROLE_RECEIVER, NULL, NULL),
                         SL_OK);
        assert_int_equal(sl_link_open(&both.sender, &settings, SL_ROLE_SENDER, NULL, NULL), SL_OK);
        exchange(&both, all_patterns[i], 400000, 3);
        assert_int_equal(sl_link_rebuild(both.receiver), SL_OK);
        UNTIL(&both, state_of(both.sender).connects == 2 && state_of(both.sender).connected);
        exchange_at_last(&both, 400000, 4);
        part(&both);
    }
    assert_int_equal(rmdir(path), 0);
}

static void every_interface(void **state) {
    (void)state;
    sl_link_settings settings = settings_for(SL_PATTERN_PAIR, 0);
    settings.address = NULL;
    ends both = {0};
    assert_int_equal(sl_link_open(&both.receiver, &settings, SL_ROLE_RECEIVER, NULL, NULL), SL_OK);
    static const char *const addresses[] = {NULL, "127.0.0.1", "localhost", "::1"};
    settings.port = state_of(both.receiver).port;
    int probe = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 loopback = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    bool ipv6 = probe >= 0 && bind(probe, (struct sockaddr *)&loopback, sizeof loopback) == 0;
    close(probe);
    for (size_t i = 0; i < SL_COUNT(addresses) - !ipv6; i++) {
        settings.address = addresses[i];
        assert_int_equal(sl_link_open(&both.sender, &settings, SL_ROLE_SENDER, NULL, NULL), SL_OK);
        exchange(&both, SL_PATTERN_PAIR, 100, 5);
        sl_link_close(&both.sender, 0);
        UNTIL(&both, !state_of(both.receiver).connected);
        assert_int_equal(sl_link_rebuild(both.receiver), SL_OK);
        assert_int_equal(state_of(both.receiver).port, settings.port);
    }
    sl_link_close(&both.receiver, 0);
}

/* A PAIR socket takes no second connection while it has the first. */
static void the_old_connection_ends_first(void **state) {
    (void)state;
    ends both = meet(SL_PATTERN_PAIR);
    for (uint64_t connects = 2; connects < 12; connects++) {
        assert_int_equal(sl_link_rebuild(both.sender), SL_OK);
        UNTIL(&both, state_of(both.receiver).connects == connects &&
                         state_of(both.sender).connects == connects);
    }
    assert_int_equal(state_of(both.receiver).most, 1);
    part(&both);
}

static size_t count_entries(const char *directory) {
    size_t count = 0;
    DIR *opened = opendir(directory);
    assert_non_null(opened);
    while (readdir(opened))
        count++;
    closedir(opened);
    return count;
}

static void rebuilds_leak_nothing(void **state) {
    (void)state;
    for (size_t i = 0; i < SL_COUNT(all_patterns); i++) {
        ends both = meet(all_patterns[i]);
        int port = state_of(both.receiver).port;
        size_t descriptors = count_entries("/proc/self/fd");
        size_t threads = count_entries("/proc/self/task");
        for (int j = 0; j < 100; j++) {
            assert_int_equal(sl_link_rebuild(both.receiver), SL_OK);
            assert_int_equal(sl_link_rebuild(both.sender), SL_OK);
            assert_int_equal(state_of(both.receiver).port, port);
        }
        exchange_at_last(&both, 1000, 1);
        UNTIL(&both, count_entries("/proc/self/fd") <= descriptors);
        UNTIL(&both, count_entries("/proc/self/task") <= threads);
        part(&both);
    }
}

static void closing_leaks_nothing(void **state) {
    (void)state;
    size_t descriptors = count_entries("/proc/self/fd");
    size_t threads = count_entries("/proc/self/task");
    for (size_t i = 0; i < SL_COUNT(all_patterns); i++) {
        ends both = meet(all_patterns[i]);
        send_frame(both.sender, 6220800, 1);
        part(&both);
    }
    assert_int_equal(count_entries("/proc/self/fd"), descriptors);
    /* A thread that was joined may be on its way out of the kernel's list still. */
    UNTIL(&(ends){0}, count_entries("/proc/self/task") <= threads);
}

static void descriptors_stay_out_of_children(void **state) {
    (void)state;
    bool before[1024];
    for (int fd = 0; fd < 1024; fd++)
        before[fd] = fcntl(fd, F_GETFD) != -1;
    ends both = meet(SL_PATTERN_REQREP);
    for (int fd = 0; fd < 1024; fd++) {
        int flags = before[fd] ? -1 : fcntl(fd, F_GETFD);
        assert_true(flags == -1 || (flags & FD_CLOEXEC));
    }
    part(&both);
}

static void last_message_lingers(void **state) {
    (void)state;
    for (size_t i = 0; i < SL_COUNT(all_patterns); i++) {
        ends both = meet(all_patterns[i]);
        assert_int_equal(send_frame(both.sender, 2000000, 9), SL_OK);
        /* It can't fit into the kernel's buffers, so it leaves while the sender closes. */
        sl_link *receiver = both.receiver;
        both.receiver = NULL;
        sl_link_close(&both.sender, 5000);
        both.receiver = receiver;
        sl_link_message frame = receive(&both, receiver);
        assert_frame(&frame, 2000000, 9);
        sl_link_message_clear(&frame);
        part(&both);
    }
}

static void last_reply_lingers(void **state) {
    (void)state;
    ends both = meet(SL_PATTERN_REQREP);
    assert_int_equal(send_frame(both.sender, 1000, 9), SL_OK);
    sl_link_message frame = receive(&both, both.receiver);
    sl_link_message_clear(&frame);
    assert_int_equal(send_text(both.receiver, "good-bye"), SL_OK);
    sl_link_close(&both.receiver, 5000);
    sl_link_message reply = receive(&both, both.sender);
    assert_int_equal(reply.parts[0]->size, strlen("good-bye"));
    sl_link_message_clear(&reply);
    part(&both);
}

static void peers_come_and_go(void **state) {
    (void)state;
    for (size_t i = 0; i < SL_COUNT(all_patterns); i++) {
        ends both = meet(all_patterns[i]);
        int port = state_of(both.receiver).port;
        for (uint64_t round = 2; round < 5; round++) {
            sl_link_close(&both.receiver, 0);
            UNTIL(&both, !state_of(both.sender).connected);
            both.receiver = open_receiver(all_patterns[i], port);
            exchange(&both, all_patterns[i], 1000, (int)round);
            assert_int_equal(state_of(both.sender).connects, round);
        }
        sl_link_close(&both.sender, 0);
        UNTIL(&both, !state_of(both.receiver).connected);
        assert_int_equal(state_of(both.receiver).refused, 0);
        part(&both);
    }
}

/* The second comes while the first is there, and the first goes: the second must be heard. */
static void second_of_a_pair(void **state) {
    (void)state;
    ends both = meet(SL_PATTERN_PAIR);
    sl_link *first = both.sender;
    both.sender = open_sender(SL_PATTERN_PAIR, state_of(both.receiver).port);
    UNTIL(&both, state_of(both.receiver).connects == 2 && state_of(both.sender).connected);
    sl_link_close(&first, 0);
    UNTIL(&both, state_of(both.sender).connects == 2 && state_of(both.sender).connected);
    exchange(&both, SL_PATTERN_PAIR, 1000, 1);
    part(&both);
}

/* The receiver is not read: the sender must find no room, hold little, and go on afterwards with
 * whole messages only. */
static void stalled_subscriber(void **state) {
    (void)state;
    ends both = meet(SL_PATTERN_PUBSUB);
    ends sender = {.sender = both.sender};
    int sent = 0;
    for (int refused = 0; refused < 50; attend(&sender)) {
        int result = send_frame(both.sender, 1000000, sent);
        assert_true(result == SL_OK || result == SL_EAGAIN);
        sent += result == SL_OK;
        refused = result == SL_OK ? 0 : refused + 1;
        assert_true(sent < 50);
    }
    assert_false(sl_link_writable(both.sender));
    for (int i = 0; i < sent; i++) {
        sl_link_message frame = receive(&both, both.receiver);
        assert_frame(&frame, 1000000, i);
        sl_link_message_clear(&frame);
    }
    UNTIL(&both, sl_link_writable(both.sender));
    part(&both);
}

static void room_wakes_the_sender(void **state) {
    (void)state;
    for (size_t i = 0; i < SL_COUNT(all_patterns); i++) {
        if (all_patterns[i] == SL_PATTERN_REQREP)
            continue; /* has room always: a new request takes the old one's place */
        ends both = meet(all_patterns[i]);
        ends sender = {.sender = both.sender};
        for (int refused = 0; refused < 20; attend(&sender))
            refused = send_frame(both.sender, 1000000, 0) ? refused + 1 : 0;
        sl_link_want_send(both.sender, true);
        while (sl_link_wait(both.sender, -1, NULL, sl_deadline_us(20)) == SL_OK)
            send_frame(both.sender, 1000000, 0); /* buffers on the way had room still */
        while (!sl_link_writable(both.sender)) {
            sl_link_message frame = receive(&(ends){.receiver = both.receiver}, both.receiver);
            sl_link_message_clear(&frame);
            sl_link_wait(both.sender, -1, NULL, sl_deadline_us(20));
        }
        assert_int_equal(sl_link_wait(both.sender, -1, NULL, -1), SL_OK);
        part(&both);
    }
}

static void waiting_ends(void **state) {
    (void)state;
    ends both = meet(SL_PATTERN_PAIR);
    while (sl_link_wait(both.receiver, -1, NULL, sl_deadline_us(50)) == SL_OK)
        continue;
    int64_t began_us = sl_now_us();
    assert_int_equal(sl_link_wait(both.receiver, -1, NULL, sl_deadline_us(30)), SL_EAGAIN);
    assert_true(sl_now_us() - began_us >= 29000);

    int pipe_ends[2];
    assert_int_equal(pipe(pipe_ends), 0);
    assert_int_equal(sl_link_wait(both.receiver, pipe_ends[0], NULL, 0), SL_EAGAIN);
    assert_int_equal(write(pipe_ends[1], "x", 1), 1);
    assert_int_equal(sl_link_wait(both.receiver, pipe_ends[0], NULL, -1), SL_OK);
    close(pipe_ends[0]);
    close(pipe_ends[1]);

    sl_cancel *cancel;
    assert_int_equal(sl_cancel_open(&cancel), SL_OK);
    assert_int_equal(sl_link_wait(both.receiver, -1, cancel, sl_deadline_us(5)), SL_EAGAIN);
    sl_cancel_trigger(cancel);
    assert_int_equal(sl_link_wait(both.receiver, -1, cancel, -1), SL_ECANCELED);
    sl_cancel_close(&cancel);

    assert_int_equal(send_frame(both.sender, 10, 0), SL_OK);
    assert_int_equal(sl_link_wait(both.receiver, -1, NULL, -1), SL_OK);
    part(&both);
}

static void out_of_turn(void **state) {
    (void)state;
    ends both = meet(SL_PATTERN_REQREP);
    sl_link_message message;
    assert_int_equal(send_text(both.receiver, "unasked"), SL_EAGAIN);
    assert_int_equal(sl_link_receive(both.sender, &message), SL_EAGAIN);
    /* A reply that never came: the next request takes the turn, and the late reply is dropped. */
    assert_int_equal(send_frame(both.sender, 10, 1), SL_OK);
    assert_int_equal(send_frame(both.sender, 10, 2), SL_OK);
    for (int i = 1; i <= 2; i++) {
        message = receive(&both, both.receiver);
        assert_frame(&message, 10, i);
        sl_link_message_clear(&message);
        assert_int_equal(send_text(both.receiver, i == 1 ? "late" : "in time"), SL_OK);
    }
    message = receive(&both, both.sender);
    assert_int_equal(message.parts[0]->size, strlen("in time"));
    sl_link_message_clear(&message);
    part(&both);
    both = meet(SL_PATTERN_PUBSUB);
    assert_int_equal(send_text(both.receiver, "unasked"), SL_EINVAL);
    assert_int_equal(sl_link_receive(both.sender, &message), SL_EAGAIN);
    part(&both);
}

static void many_parts_are_cut(void **state) {
    (void)state;
    ends both = meet(SL_PATTERN_PAIR);
    sl_buffer *parts[100];
    for (int i = 0; i < 100; i++)
        parts[i] = buffer_of(50, i);
    assert_int_equal(sl_link_send(both.sender, parts, 100), SL_OK);
    for (int i = 0; i < 100; i++)
        sl_buffer_unref(&parts[i]);
    sl_link_message message = receive(&both, both.receiver);
    assert_true(message.truncated);
    assert_int_equal(message.count, SL_LINK_PARTS_MAX);
    sl_link_message_clear(&message);
    assert_int_equal(message.count, 0);
    exchange(&both, SL_PATTERN_PAIR, 100, 1);
    part(&both);
}

/* The processor time this process has used. */
static int64_t used_us(void) {
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return used.tv_sec * SL_SECOND_US + used.tv_nsec / 1000;
}

static void idle_costs_nothing(void **state) {
    (void)state;
    for (size_t i = 0; i < SL_COUNT(all_patterns); i++) {
        ends both = meet(all_patterns[i]);
        while (sl_link_wait(both.sender, -1, NULL, sl_deadline_us(50)) == SL_OK)
            continue;
        while (sl_link_wait(both.receiver, -1, NULL, sl_deadline_us(50)) == SL_OK)
            continue;
        int64_t before_us = used_us();
        assert_int_equal(sl_link_wait(both.sender, -1, NULL, sl_deadline_us(500)), SL_EAGAIN);
        assert_int_equal(sl_link_wait(both.receiver, -1, NULL, sl_deadline_us(500)), SL_EAGAIN);
        assert_true(used_us() - before_us < 100000); /* a tenth: sanitizers are slow */
        part(&both);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_of_all_sizes),
        cmocka_unit_test(sender_starts_first),
        cmocka_unit_test(over_ipc),
        cmocka_unit_test(every_interface),
        cmocka_unit_test(the_old_connection_ends_first),
        cmocka_unit_test(rebuilds_leak_nothing),
        cmocka_unit_test(closing_leaks_nothing),
        cmocka_unit_test(descriptors_stay_out_of_children),
        cmocka_unit_test(last_message_lingers),
        cmocka_unit_test(last_reply_lingers),
        cmocka_unit_test(peers_come_and_go),
        cmocka_unit_test(second_of_a_pair),
        cmocka_unit_test(stalled_subscriber),
        cmocka_unit_test(room_wakes_the_sender),
        cmocka_unit_test(waiting_ends),
        cmocka_unit_test(out_of_turn),
        cmocka_unit_test(many_parts_are_cut),
        cmocka_unit_test(idle_costs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
