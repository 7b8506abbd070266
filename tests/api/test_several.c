/* Multi-server and multi-client mode in one process: who is who, whose turn it is, and the end. */
#include <sightline/sightline.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "numbers.h"

static sl_receiver *open_receiver(sl_receiver_settings *settings, const char *ports) {
    sl_receiver *receiver = NULL;
    settings->link.address = "127.0.0.1";
    assert_int_equal(sl_settings_set(settings, "port", ports), SL_OK);
    assert_int_equal(sl_receiver_open(&receiver, settings), SL_OK);
    sl_settings_finish(settings);
    return receiver;
}

static int port_of(const sl_receiver *receiver) {
    sl_stats stats;
    sl_receiver_stats(receiver, &stats);
    return stats.port;
}

static sl_sender *open_sender(sl_sender_settings *settings, const char *ports) {
    sl_sender *sender = NULL;
    settings->link.address = "127.0.0.1";
    settings->codec.jpeg = false;
    assert_int_equal(sl_settings_set(settings, "port", ports), SL_OK);
    assert_int_equal(sl_sender_open(&sender, settings), SL_OK);
    sl_settings_finish(settings);
    assert_int_equal(sl_sender_wait(sender, -1), SL_OK);
    return sender;
}

static void deliver_number(sl_sender *sender, uint32_t number) {
    send_number(sender, number);
    assert_int_equal(sl_sender_flush(sender, -1), SL_OK);
}

/* Two ports that nobody has: of receivers that are gone again. */
static void find_ports(char texts[2][16], char *both, size_t size) {
    sl_receiver *receivers[2];
    for (int i = 0; i < 2; i++) {
        sl_receiver_settings settings;
        sl_receiver_settings_init(&settings);
        receivers[i] = open_receiver(&settings, "0");
        snprintf(texts[i], sizeof(texts[i]), "%d", port_of(receivers[i]));
    }
    for (int i = 0; i < 2; i++)
        sl_receiver_close(&receivers[i]);
    snprintf(both, size, "%s,%s", texts[0], texts[1]);
}

struct servers {
    sl_receiver *receiver;
    sl_sender *senders[2];
    char ports[2][16];
};

/* Two senders to one receiver; the second one says a name for its port. */
static void open_servers(struct servers *servers, sl_pattern pattern) {
    sl_receiver_settings receiving;
    char both[40];
    find_ports(servers->ports, both, sizeof(both));
    sl_receiver_settings_init(&receiving);
    receiving.link.pattern = pattern;
    receiving.link.multiserver_mode = true;
    servers->receiver = open_receiver(&receiving, both);
    for (int i = 0; i < 2; i++) {
        sl_sender_settings sending;
        sl_sender_settings_init(&sending);
        sending.link.pattern = pattern;
        sending.link.multiserver_mode = true;
        sending.link.port_text = i == 0 ? NULL : "\"garden\"";
        servers->senders[i] = open_sender(&sending, servers->ports[i]);
    }
}

static void senders_are_told_apart(sl_pattern pattern) {
    struct servers servers;
    sl_frame *none = NULL;
    char port[32];
    open_servers(&servers, pattern);
    for (uint32_t i = 0; i < 10; i++) {
        deliver_number(servers.senders[i % 2], i);
        assert_int_equal(receive_number(servers.receiver, port, sizeof(port)), i);
        assert_string_equal(port, i % 2 ? "\"garden\"" : servers.ports[0]);
    }
    sl_sender_close(&servers.senders[0]);
    deliver_number(servers.senders[1], 99);
    assert_int_equal(receive_number(servers.receiver, port, sizeof(port)), 99);
    sl_sender_close(&servers.senders[1]);
    assert_int_equal(sl_receiver_recv(servers.receiver, &none, 60000), SL_EEND);
    sl_receiver_close(&servers.receiver);
}

static void reqrep_tells_senders_apart(void **state) {
    (void)state;
    senders_are_told_apart(SL_PATTERN_REQREP);
}

static void pubsub_tells_senders_apart(void **state) {
    (void)state;
    senders_are_told_apart(SL_PATTERN_PUBSUB);
}

/* Nobody takes frames: of each sender the newest is kept, however many come from the other. */
static void the_newest_of_each_is_kept(void **state) {
    (void)state;
    struct servers servers;
    char port[32];
    sl_stats stats;
    uint32_t sent = 0, last[2] = {0};
    open_servers(&servers, SL_PATTERN_PUBSUB);
    deliver_number(servers.senders[0], ++sent); /* is decoded, as nothing else is there */
    do {
        poll(NULL, 0, 1);
        sl_receiver_stats(servers.receiver, &stats);
    } while (stats.bytes < sent * sizeof(sent));
    deliver_number(servers.senders[1], 7);
    do {
        deliver_number(servers.senders[0], ++sent);
        sl_receiver_stats(servers.receiver, &stats);
    } while (stats.dropped < 5);
    for (int i = 0; i < 3 && !(last[0] > 5 && last[1]); i++) {
        uint32_t number = receive_number(servers.receiver, port, sizeof(port));
        last[strcmp(port, servers.ports[0]) ? 1 : 0] = number;
    }
    assert_true(last[0] > 5);
    assert_int_equal(last[1], 7);
    sl_sender_close(&servers.senders[0]);
    sl_sender_close(&servers.senders[1]);
    sl_receiver_close(&servers.receiver);
}

struct clients {
    sl_sender *sender;
    sl_receiver *receivers[2];
};

static void open_clients(struct clients *clients, sl_pattern pattern) {
    sl_sender_settings sending;
    char ports[40] = "";
    for (int i = 0; i < 2; i++) {
        sl_receiver_settings receiving;
        sl_receiver_settings_init(&receiving);
        receiving.link.pattern = pattern;
        receiving.link.multiclient_mode = true;
        clients->receivers[i] = open_receiver(&receiving, "0");
        snprintf(ports + strlen(ports), sizeof(ports) - strlen(ports), "%s%d", i ? "," : "",
                 port_of(clients->receivers[i]));
    }
    sl_sender_settings_init(&sending);
    sending.link.pattern = pattern;
    sending.link.multiclient_mode = true;
    clients->sender = open_sender(&sending, ports);
    assert_int_equal(sl_sender_destinations(clients->sender), 2);
    for (size_t i = 0; i < 2; i++) {
        sl_destination one;
        do {
            poll(NULL, 0, 1);
            sl_sender_destination(clients->sender, i, &one);
        } while (!one.stats.connected);
    }
}

static void end_clients(struct clients *clients) {
    sl_frame *none = NULL;
    sl_sender_close(&clients->sender);
    for (int i = 0; i < 2; i++) {
        if (!clients->receivers[i])
            continue;
        assert_int_equal(sl_receiver_recv(clients->receivers[i], &none, 60000), SL_EEND);
        sl_receiver_close(&clients->receivers[i]);
    }
}

static void requests_take_turns(void **state) {
    (void)state;
    struct clients clients;
    sl_destination gone;
    char port[32];
    open_clients(&clients, SL_PATTERN_REQREP);
    for (uint32_t i = 0; i < 10; i++) {
        deliver_number(clients.sender, i);
        assert_int_equal(receive_number(clients.receivers[i % 2], port, sizeof(port)), i);
        assert_string_equal(port, "nobody");
    }
    sl_receiver_close(&clients.receivers[0]); /* who is away has no turn */
    do {
        poll(NULL, 0, 1);
        sl_sender_destination(clients.sender, 0, &gone);
    } while (gone.stats.connected);
    for (uint32_t i = 0; i < 5; i++) {
        deliver_number(clients.sender, i);
        assert_int_equal(receive_number(clients.receivers[1], port, sizeof(port)), i);
    }
    end_clients(&clients);
}

static void all_get_what_is_published(void **state) {
    (void)state;
    struct clients clients;
    char port[32];
    open_clients(&clients, SL_PATTERN_PUBSUB);
    for (uint32_t i = 0; i < 10; i++) {
        deliver_number(clients.sender, i);
        for (int j = 0; j < 2; j++)
            assert_int_equal(receive_number(clients.receivers[j], port, sizeof(port)), i);
    }
    end_clients(&clients);
}

/* The option port takes a list, and a single one again. */
static void ports_are_set_by_name(void **state) {
    (void)state;
    sl_sender_settings settings;
    sl_sender_settings_init(&settings);
    assert_int_equal(sl_settings_set(&settings, "port", "5566,5567"), SL_OK);
    assert_string_equal(settings.link.ports, "5566,5567");
    assert_int_equal(settings.link.port, 5555);
    assert_int_equal(sl_settings_set(&settings, "port", "6000"), SL_OK);
    assert_null(settings.link.ports);
    assert_int_equal(settings.link.port, 6000);
    sl_settings_finish(&settings);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reqrep_tells_senders_apart), cmocka_unit_test(pubsub_tells_senders_apart),
        cmocka_unit_test(the_newest_of_each_is_kept), cmocka_unit_test(requests_take_turns),
        cmocka_unit_test(all_get_what_is_published),  cmocka_unit_test(ports_are_set_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
