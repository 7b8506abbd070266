/* Multi-server and multi-client mode: what goes together, and a socket bound to several ports. */
#include "ends.h"

static sl_link_settings in_mode(sl_pattern pattern, bool server, bool client, const char *ports) {
    sl_link_settings settings = settings_for(pattern, 5555);
    settings.multiserver_mode = server;
    settings.multiclient_mode = client;
    settings.ports = ports;
    return settings;
}

/* Whether they are refused in this role, for a reason that names the option. */
static void assert_refused(sl_link_settings settings, sl_role role, const char *option) {
    assert_int_equal(sl_link_check_modes(&settings, role), SL_EINVAL);
    assert_non_null(strstr(sl_error(), option));
}

static void modes_have_their_patterns(void **state) {
    (void)state;
    for (sl_role role = SL_ROLE_SENDER; role <= SL_ROLE_RECEIVER; role++) {
        assert_refused(in_mode(SL_PATTERN_PAIR, true, false, NULL), role, "multiserver_mode");
        assert_refused(in_mode(SL_PATTERN_PAIR, false, true, NULL), role, "multiclient_mode");
        assert_refused(in_mode(SL_PATTERN_LIVE, true, false, NULL), role, "multiserver_mode");
        assert_refused(in_mode(SL_PATTERN_LIVE, false, true, NULL), role, "multiclient_mode");
        assert_refused(in_mode((sl_pattern)77, false, false, NULL), role, "77");
        sl_link_settings live = in_mode(SL_PATTERN_LIVE, false, false, NULL);
        assert_int_equal(sl_link_check_modes(&live, role), SL_OK);
        live.bidirectional_mode = true;
        assert_refused(live, role, "bidirectional_mode");
        for (sl_pattern pattern = SL_PATTERN_REQREP; pattern <= SL_PATTERN_PUBSUB; pattern++) {
            sl_link_settings server = in_mode(pattern, true, false, NULL);
            sl_link_settings client = in_mode(pattern, false, true, NULL);
            assert_int_equal(sl_link_check_modes(&server, role), SL_OK);
            assert_int_equal(sl_link_check_modes(&client, role), SL_OK);
            assert_refused(in_mode(pattern, true, true, NULL), role, "multiserver_mode");
        }
    }
}

static void several_ports_have_their_place(void **state) {
    (void)state;
    const sl_pattern pattern = SL_PATTERN_REQREP;
    sl_link_settings server = in_mode(pattern, true, false, "1,2");
    sl_link_settings client = in_mode(pattern, false, true, "1,2");
    sl_link_settings lone = in_mode(pattern, false, false, "7");
    assert_int_equal(sl_link_check_modes(&server, SL_ROLE_RECEIVER), SL_OK);
    assert_int_equal(sl_link_check_modes(&client, SL_ROLE_SENDER), SL_OK);
    assert_int_equal(sl_link_check_modes(&lone, SL_ROLE_SENDER), SL_OK);
    assert_refused(server, SL_ROLE_SENDER, "port");
    assert_refused(client, SL_ROLE_RECEIVER, "port");
    assert_refused(in_mode(pattern, false, false, "1,2"), SL_ROLE_RECEIVER, "port");
}

static void ports_are_read(void **state) {
    (void)state;
    static const char *const wrong[] = {"",
                                        ",",
                                        "1,",
                                        ",1",
                                        "1,,2",
                                        "0,1",
                                        "1,65536",
                                        "1;2",
                                        "1,x",
                                        "-1,2",
                                        "1 2",
                                        "5,6,5",
                                        "1,99999999999999999999"};
    char many[512] = "1";
    sl_link_ports ports;
    sl_link_settings settings = in_mode(SL_PATTERN_REQREP, true, false, " 5566, 1 ,65535");
    assert_int_equal(sl_link_ports_read(&ports, &settings), SL_OK);
    assert_int_equal(ports.count, 3);
    assert_memory_equal(ports.all, ((int[]){5566, 1, 65535}), 3 * sizeof(int));
    settings.ports = NULL;
    assert_int_equal(sl_link_ports_read(&ports, &settings), SL_OK);
    assert_int_equal(ports.count, 1);
    assert_int_equal(ports.all[0], 5555);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        settings.ports = wrong[i];
        assert_int_equal(sl_link_ports_read(&ports, &settings), SL_EINVAL);
        assert_non_null(strstr(sl_error(), "port"));
    }
    for (int port = 2; port <= SL_LINK_PORTS_MAX; port++)
        snprintf(many + strlen(many), sizeof many - strlen(many), ",%d", port);
    settings.ports = many;
    assert_int_equal(sl_link_ports_read(&ports, &settings), SL_OK);
    assert_int_equal(ports.count, SL_LINK_PORTS_MAX);
    snprintf(many + strlen(many), sizeof many - strlen(many), ",9999");
    assert_int_equal(sl_link_ports_read(&ports, &settings), SL_EINVAL);
}

/* Ports that are free now: those of two links that are gone again. */
static void find_ports(char *text, size_t size, int ports[2]) {
    sl_link *links[2];
    for (int i = 0; i < 2; i++) {
        links[i] = open_receiver(SL_PATTERN_PUBSUB, 0);
        ports[i] = state_of(links[i]).port;
    }
    for (int i = 0; i < 2; i++)
        sl_link_close(&links[i], 0);
    snprintf(text, size, "%d,%d", ports[0], ports[1]);
}

/* One frame from each of two senders. */
static void hear_both(sl_link *receiver, const int ports[2]) {
    sl_link *senders[2];
    sl_buffer *part;
    assert_int_equal(sl_buffer_new(&part, 1), SL_OK);
    int64_t deadline_us = sl_now_us() + PATIENCE_US;
    for (int i = 0; i < 2; i++) {
        ends both = {open_sender(SL_PATTERN_PUBSUB, ports[i]), receiver};
        senders[i] = both.sender;
        while (sl_link_send(both.sender, &part, 1) == SL_EAGAIN) {
            assert_true(sl_now_us() < deadline_us);
            attend(&both);
        }
        sl_link_message message = {0};
        while (sl_link_receive(receiver, &message) == SL_EAGAIN) {
            assert_true(sl_now_us() < deadline_us);
            attend(&both);
        }
        sl_link_message_clear(&message);
    }
    assert_int_equal(state_of(receiver).most, 2);
    sl_link_close(&senders[0], 0);
    sl_link_close(&senders[1], 0);
    sl_buffer_unref(&part);
}

static void all_ports_are_bound_again(void **state) {
    (void)state;
    char text[32];
    int ports[2];
    sl_link *receiver = NULL, *other = NULL;
    find_ports(text, sizeof text, ports);
    sl_link_settings settings = in_mode(SL_PATTERN_PUBSUB, true, false, text);
    assert_int_equal(sl_link_open(&receiver, &settings, SL_ROLE_RECEIVER, NULL, NULL), SL_OK);
    assert_int_equal(state_of(receiver).port, ports[0]);
    hear_both(receiver, ports);
    assert_int_equal(sl_link_rebuild(receiver), SL_OK);
    hear_both(receiver, ports);
    sl_link_settings second = settings_for(SL_PATTERN_PUBSUB, ports[1]);
    assert_int_equal(sl_link_open(&other, &second, SL_ROLE_RECEIVER, NULL, NULL), SL_EINUSE);
    snprintf(text, sizeof text, "%d", ports[1]);
    assert_non_null(strstr(sl_error(), text));
    sl_link_close(&receiver, 0);
}

static void files_are_made_and_removed(void **state) {
    (void)state;
    char folder[] = "/tmp/sl-modes-XXXXXX", address[64], path[80];
    sl_link *receiver = NULL;
    assert_non_null(mkdtemp(folder));
    snprintf(address, sizeof address, "%s/link", folder);
    sl_link_settings settings = in_mode(SL_PATTERN_REQREP, true, false, "1,2");
    settings.address = address;
    settings.protocol = SL_PROTOCOL_IPC;
    assert_int_equal(sl_link_open(&receiver, &settings, SL_ROLE_RECEIVER, NULL, NULL), SL_OK);
    for (int port = 1; port <= 2; port++) {
        snprintf(path, sizeof path, "%s:%d", address, port);
        assert_int_equal(access(path, F_OK), 0);
    }
    sl_link_close(&receiver, 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modes_have_their_patterns),
        cmocka_unit_test(several_ports_have_their_place),
        cmocka_unit_test(ports_are_read),
        cmocka_unit_test(all_ports_are_bound_again),
        cmocka_unit_test(files_are_made_and_removed),
    };
    return cmocka_run_group_tests_name("link/modes", tests, NULL, NULL);
}
