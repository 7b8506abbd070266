/* Where frames go: what --to says, what it leaves to the sender's settings, what is refused. */
#include "base/error.h"
#include "link/keyring.h"
#include "stream/destination.h"
#include <sightline/keys.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

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
        {"a,key=/no/such", "key does nothing without an SSH server"},
        {"a,ssh=h,host-key=SHA256:x,ssh=", "host-key does nothing without"},
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

static void make_location(char *location, size_t size) {
    snprintf(location, size, "/tmp/sightline-to-XXXXXX");
    assert_non_null(mkdtemp(location));
    assert_int_equal(sl_keys_make(location, SL_KEY_OF_SENDER | SL_KEY_OF_RECEIVER, false), SL_OK);
}

static void remove_location(const char *location) {
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", location);
    assert_int_equal(system(command), 0);
}

/* Tells of files that take another's place in the folder of public certificates. */
static int watch(const char *location) {
    char path[SL_KEYRING_PATH_MAX];
    int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    assert_int_equal(sl_keyring_path(path, location, SL_PUBLIC_KEYS), SL_OK);
    assert_true(inotify_add_watch(watch, path, IN_MOVED_TO) >= 0);
    return watch;
}

static int count_replaced(int watch) {
    _Alignas(struct inotify_event) char events[8192];
    ssize_t size = read(watch, events, sizeof events);
    int count = 0;
    for (ssize_t at = 0; at < size; count++)
        at += (ssize_t)(sizeof(struct inotify_event) +
                        ((const struct inotify_event *)(const void *)&events[at])->len);
    return count;
}

static int prepare(const char *list, const char *location, bool overwrite) {
    sl_sender_settings sender;
    sl_destinations read;
    sl_sender_settings_init(&sender);
    sender.link.custom_cert_location = location;
    sender.destinations = list;
    assert_int_equal(sl_destinations_read(&read, &sender), SL_OK);
    int result = sl_destinations_prepare(&read, overwrite);
    sl_destinations_finish(&read);
    return result;
}

static void each_certificate_is_checked(void **state) {
    (void)state;
    char location[64], path[SL_KEYRING_PATH_MAX], list[256];
    make_location(location, sizeof location);
    assert_int_equal(sl_keyring_path(path, location, SL_RECEIVER_PUBLIC), SL_OK);
    snprintf(list, sizeof list, "a;b,secure_mode=1,custom_cert_location=%s", location);
    assert_int_equal(prepare(list, NULL, true), SL_OK);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(prepare(list, NULL, true), SL_EINVAL);
    assert_non_null(strstr(sl_error(), "the destination \"b:5555\": there is no certificate"));
    assert_int_equal(prepare("a;b,overwrite_cert=true", location, true), SL_EINVAL);
    assert_non_null(strstr(sl_error(), "overwrite_cert needs secure_mode"));
    remove_location(location);
}

static void certificates_are_made_once(void **state) {
    static const char list[] = "a,secure_mode=1,overwrite_cert=true;b,secure_mode=2;"
                               "c,secure_mode=1,overwrite_cert=true";
    (void)state;
    char location[64];
    make_location(location, sizeof location);
    int replaced = watch(location);
    assert_int_equal(prepare(list, location, false), SL_OK);
    assert_int_equal(count_replaced(replaced), 0);
    assert_int_equal(prepare(list, location, true), SL_OK);
    assert_int_equal(count_replaced(replaced), 2); /* the camera's and the viewer's */
    close(replaced);
    remove_location(location);
}

static void ports_are_destinations(void **state) {
    (void)state;
    sl_sender_settings sender;
    sl_destinations read;
    sl_sender_settings_init(&sender);
    sender.link.pattern = SL_PATTERN_REQREP;
    sender.link.multiclient_mode = true;
    sender.link.ports = "5566,5567";
    sender.tunnel.destination = "me@host";
    assert_int_equal(sl_destinations_read(&read, &sender), SL_OK);
    assert_int_equal(read.count, 2);
    assert_true(read.in_turns);
    assert_string_equal(read.all[1].name, "localhost:5567 through me@host");
    assert_int_equal(read.all[1].link.port, 5567);
    assert_null(read.all[1].link.ports);
    sl_destinations_finish(&read);
    sender.link.pattern = SL_PATTERN_PUBSUB;
    assert_int_equal(sl_destinations_read(&read, &sender), SL_OK);
    assert_false(read.in_turns);
    sl_destinations_finish(&read);
}

static void modes_are_for_all(void **state) {
    (void)state;
    static const char *const wrong[] = {"a;b,multiclient_mode=false", "a;b,pattern=pubsub",
                                        "a;b,ports=1", "a;b,port=1,2"};
    sl_sender_settings sender;
    sl_destinations read;
    sl_sender_settings_init(&sender);
    sender.link.pattern = SL_PATTERN_REQREP;
    sender.link.multiclient_mode = true;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        sender.destinations = wrong[i];
        assert_int_equal(sl_destinations_read(&read, &sender), SL_EINVAL);
        sl_destinations_finish(&read);
    }
    sender.destinations = "a:1,ssh=x;b:2,ssh=y";
    assert_int_equal(sl_destinations_read(&read, &sender), SL_OK);
    assert_true(read.in_turns);
    sl_destinations_finish(&read);
    sender.link.ports = "1,2";
    assert_int_equal(sl_destinations_read(&read, &sender), SL_EINVAL);
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
        cmocka_unit_test(ports_are_destinations),
        cmocka_unit_test(modes_are_for_all),
        cmocka_unit_test(each_certificate_is_checked),
        cmocka_unit_test(certificates_are_made_once),
    };
    return cmocka_run_group_tests_name("stream/destination", tests, NULL, NULL);
}
