/* Where frames go: what --to says, what it leaves to the sender's settings, what is refused. */
#include "base/error.h"
#include "stream/destination.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static int read_list(sl_destinations *destinations, sl_sender_settings *sender, const char *list) {
    sl_sender_settings_init(sender);
    sender->destinations = list;
    return sl_destinations_read(destinations, sender);
}

static void without_a_list_there_is_one(void **state) {
    (void)state;
    sl_sender_settings sender;
    sl_destinations read;
    sl_sender_settings_init(&sender);
    sender.link.address = "::1";
    sender.link.port = 7000;
    sender.tunnel.destination = "me@host";
    assert_int_equal(sl_destinations_read(&read, &sender), SL_OK);
    assert_int_equal(read.count, 1);
    assert_string_equal(read.all[0].endpoint, "tcp://[::1]:7000");
    assert_string_equal(read.all[0].tunnel.destination, "me@host");
    sl_destinations_finish(&read);
}

static void each_has_its_own(void **state) {
    (void)state;
    sl_sender_settings sender;
    sl_destinations read;
    sl_sender_settings_init(&sender);
    sender.link.port = 6000;
    sender.link.pattern = SL_PATTERN_PUBSUB;
    sender.tunnel.destination = "me@usual";
    sender.tunnel.key_file = "usual.key";
    sender.destinations = "localhost,key=/my keys/a, b.key,host-key=SHA256:"
                          "0123456789012345678901234567890123456789012,ssh_alive_timeout=9; "
                          "[::1]:7001,ssh=other@[fe80::2]:2222,pattern=pair ;::2,ssh=";
    assert_int_equal(sl_destinations_read(&read, &sender), SL_OK);
    assert_int_equal(read.count, 3);
    const sl_destination_settings *one = &read.all[0];
    assert_string_equal(one->endpoint, "tcp://localhost:6000");
    assert_string_equal(one->name, "localhost:6000 through me@usual");
    assert_string_equal(one->tunnel.key_file, "/my keys/a, b.key");
    assert_int_equal(one->tunnel.alive_timeout_s, 9);
    assert_int_equal(one->link.pattern, SL_PATTERN_PUBSUB);
    one = &read.all[1];
    assert_string_equal(one->endpoint, "tcp://[::1]:7001");
    assert_string_equal(one->name, "[::1]:7001 through other@[fe80::2]:2222");
    assert_string_equal(one->tunnel.key_file, "usual.key");
    assert_null(one->tunnel.host_key);
    assert_int_equal(one->tunnel.alive_timeout_s, sender.tunnel.alive_timeout_s);
    assert_int_equal(one->link.pattern, SL_PATTERN_PAIR);
    one = &read.all[2];
    assert_string_equal(one->endpoint, "tcp://[::2]:6000");
    assert_string_equal(one->name, "[::2]:6000");
    assert_null(one->tunnel.destination);
    sl_destinations_finish(&read);
}

static void sockets_in_files_too(void **state) {
    (void)state;
    sl_sender_settings sender;
    sl_destinations read;
    assert_int_equal(read_list(&read, &sender, "/run/a,protocol=ipc;/run/b:7,protocol=ipc"), SL_OK);
    assert_string_equal(read.all[0].endpoint, "ipc:///run/a:5555");
    assert_string_equal(read.all[1].endpoint, "ipc:///run/b:7");
    sl_destinations_finish(&read);
}

static void what_makes_no_sense_is_refused(void **state) {
    static const char *const refused[][2] = {
        {"", "names no address"},
        {" ; ", "names no address"},
        {"a;;b", "names no address"},
        {",key=x", "names no address"},
        {"key=x", "names no address"},
        {":5555", "names no address"},
        {"a:", "its port, \"\""},
        {"a:0", "from 1 to 65535"},
        {"a:65536", "from 1 to 65535"},
        {"a:-1", "from 1 to 65535"},
        {"a:5555x", "from 1 to 65535"},
        {"[::1", "closing bracket"},
        {"[::1]x:5", "no address"},
        {"a b:5", "no address"},
        {"http://a:5", "no address"},
        {"a,key", "\"key\" is no option"},
        {"a,colour=red", "colour"},
        {"a,pattern=circle", "reqrep"},
        {"a,ssh=user@", "names no host"},
        {"a,ssh=h,host-key=x", "SHA256"},
        {"a,ssh=h,protocol=ipc", "TCP port"},
        {"a;a:5555", "\"a:5555\": it is there twice"},
    };
    (void)state;
    sl_sender_settings sender;
    sl_destinations read;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        sl_error_clear();
        assert_int_equal(read_list(&read, &sender, refused[i][0]), SL_EINVAL);
        if (!strstr(sl_error(), refused[i][1]))
            fail_msg("\"%s\" was refused with: %s", refused[i][0], sl_error());
        sl_destinations_finish(&read);
    }
}

static void an_address_beside_is_refused(void **state) {
    (void)state;
    sl_sender_settings sender;
    sl_destinations read;
    sl_sender_settings_init(&sender);
    sender.link.address = "c";
    sender.destinations = "a;b";
    assert_int_equal(sl_destinations_read(&read, &sender), SL_EINVAL);
    assert_non_null(strstr(sl_error(), "leave the address out"));
    sl_destinations_finish(&read);
}

static void there_is_an_end_to_it(void **state) {
    (void)state;
    char list[(SL_DESTINATIONS_MAX + 1) * 8] = "";
    sl_sender_settings sender;
    sl_destinations read;
    for (int i = 1; i <= SL_DESTINATIONS_MAX + 1; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%sa:%d", i > 1 ? ";" : "", i);
    assert_int_equal(read_list(&read, &sender, list), SL_EINVAL);
    assert_non_null(strstr(sl_error(), "at most 64"));
    sl_destinations_finish(&read);
    *strrchr(list, ';') = '\0';
    assert_int_equal(read_list(&read, &sender, list), SL_OK);
    assert_int_equal(read.count, SL_DESTINATIONS_MAX);
    sl_destinations_finish(&read);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_list_there_is_one),
        cmocka_unit_test(each_has_its_own),
        cmocka_unit_test(sockets_in_files_too),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(an_address_beside_is_refused),
        cmocka_unit_test(there_is_an_end_to_it),
    };
    return cmocka_run_group_tests_name("stream/destination", tests, NULL, NULL);
}
