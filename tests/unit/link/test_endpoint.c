/* What settings lead to which endpoint, and the options of the link. */
#include "base/settings.h"
#include "ends.h"

#include <errno.h>
#include <sys/stat.h>

static void assert_endpoint(const char *address, int port, sl_role role, const char *expected) {
    sl_link_settings settings = {.address = address, .port = port};
    char endpoint[300];
    int result = sl_link_endpoint(&settings, role, endpoint, sizeof endpoint);
    if (!expected) {
        assert_int_equal(result, SL_EINVAL);
        return;
    }
    assert_int_equal(result, SL_OK);
    assert_string_equal(endpoint, expected);
}

static void tcp_endpoints(void **state) {
    (void)state;
    assert_endpoint(NULL, 5555, SL_ROLE_SENDER, "tcp://localhost:5555");
    assert_endpoint(NULL, 0, SL_ROLE_RECEIVER, "tcp://*:0");
    assert_endpoint("*", 7, SL_ROLE_RECEIVER, "tcp://*:7");
    assert_endpoint("192.0.2.7", 4747, SL_ROLE_SENDER, "tcp://192.0.2.7:4747");
    assert_endpoint("cam-1.example.org", 65535, SL_ROLE_SENDER, "tcp://cam-1.example.org:65535");
    assert_endpoint("::1", 5555, SL_ROLE_SENDER, "tcp://[::1]:5555");
    assert_endpoint("[::1]", 5555, SL_ROLE_RECEIVER, "tcp://[::1]:5555");
    assert_endpoint("fe80::1%eth0", 5555, SL_ROLE_SENDER, "tcp://[fe80::1%eth0]:5555");
}

static void wrong_tcp_endpoints(void **state) {
    (void)state;
    assert_endpoint("*", 5555, SL_ROLE_SENDER, NULL);
    assert_endpoint("host", 0, SL_ROLE_SENDER, NULL);
    assert_endpoint("host", 65536, SL_ROLE_SENDER, NULL);
    assert_endpoint("host", -1, SL_ROLE_RECEIVER, NULL);
    assert_endpoint("", 5555, SL_ROLE_SENDER, NULL);
    assert_endpoint("host:5555", 5555, SL_ROLE_SENDER, NULL);
    assert_endpoint("tcp://host", 5555, SL_ROLE_SENDER, NULL);
    assert_endpoint("a b", 5555, SL_ROLE_SENDER, NULL);
    assert_endpoint("eth0;host", 5555, SL_ROLE_SENDER, NULL);
    assert_endpoint("[host]", 5555, SL_ROLE_SENDER, NULL);
    assert_endpoint("1:2:3", 5555, SL_ROLE_SENDER, NULL);
    char longest[400];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_endpoint(longest, 5555, SL_ROLE_SENDER, NULL);
}

static void ipc_endpoints(void **state) {
    (void)state;
    sl_link_settings settings = {.address = "/run/cam", .port = 5555, .protocol = SL_PROTOCOL_IPC};
    char endpoint[300];
    assert_int_equal(sl_link_endpoint(&settings, SL_ROLE_SENDER, endpoint, sizeof endpoint), SL_OK);
    assert_string_equal(endpoint, "ipc:///run/cam:5555");
    const char *wrong[] = {
        NULL, "", "*",
        "/tmp/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < SL_COUNT(wrong); i++) {
        settings.address = wrong[i];
        assert_int_equal(sl_link_endpoint(&settings, SL_ROLE_SENDER, endpoint, sizeof endpoint),
                         SL_EINVAL);
    }
}

static void wrong_places(void **state) {
    (void)state;
    sl_link_settings settings = settings_for(SL_PATTERN_PAIR, 0);
    sl_link *link;
    const char *endpoints[] = {"tcp://127.0.0.1", "tcp://127.0.0.1:x", "udp://127.0.0.1:1", ""};
    for (size_t i = 0; i < SL_COUNT(endpoints); i++)
        assert_int_equal(sl_link_open(&link, &settings, SL_ROLE_SENDER, endpoints[i], NULL),
                         SL_EINVAL);
    settings.address = "192.0.2.1"; /* never a machine's own */
    assert_int_equal(sl_link_open(&link, &settings, SL_ROLE_RECEIVER, NULL, NULL), SL_EINVAL);
    assert_non_null(strstr(sl_error(), "192.0.2.1"));
    assert_null(link);
    settings.address = "sightline.invalid";
    assert_int_equal(sl_link_open(&link, &settings, SL_ROLE_RECEIVER, NULL, NULL), SL_EINVAL);
}

static void port_in_use(void **state) {
    (void)state;
    int port;
    int other = listen_raw(&port);
    sl_link_settings settings = settings_for(SL_PATTERN_PAIR, port);
    sl_link *link;
    assert_int_equal(sl_link_open(&link, &settings, SL_ROLE_RECEIVER, NULL, NULL), SL_EINUSE);
    char expected[32];
    snprintf(expected, sizeof expected, "port %d is in use", port);
    assert_non_null(strstr(sl_error(), expected));
    close(other);
    link = open_receiver(SL_PATTERN_PAIR, port);
    assert_int_equal(state_of(link).port, port);
    sl_link_close(&link, 0);
}

/* A directory for socket files, and one's name there as ipc's address (":5555" follows). */
typedef struct folder {
    char path[64];
    char address[80];
    char file[96];
} folder;

static folder make_folder(void) {
    folder made;
    snprintf(made.path, sizeof made.path, "/tmp/sl-link-XXXXXX");
    assert_non_null(mkdtemp(made.path));
    snprintf(made.address, sizeof made.address, "%s/s", made.path);
    snprintf(made.file, sizeof made.file, "%s:5555", made.address);
    return made;
}

static void remove_folder(const folder *made) {
    unlink(made->file);
    assert_int_equal(rmdir(made->path), 0);
}

static sl_link_settings ipc_settings(const folder *made) {
    sl_link_settings settings = settings_for(SL_PATTERN_PAIR, 5555);
    settings.protocol = SL_PROTOCOL_IPC;
    settings.address = made->address;
    return settings;
}

static void socket_file_of_the_living_and_the_dead(void **state) {
    (void)state;
    folder made = make_folder();
    sl_link_settings settings = ipc_settings(&made);
    sl_link *first, *second;
    struct stat status;
    assert_int_equal(sl_link_open(&first, &settings, SL_ROLE_RECEIVER, NULL, NULL), SL_OK);
    assert_int_equal(sl_link_open(&second, &settings, SL_ROLE_RECEIVER, NULL, NULL), SL_EINUSE);
    assert_int_equal(sl_link_rebuild(first), SL_OK);
    sl_link_close(&first, 0);
    assert_int_not_equal(stat(made.file, &status), 0);

    int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr address = {.sa_family = AF_UNIX};
    char bytes[sizeof(sa_family_t) + sizeof made.file];
    memcpy(bytes, &address.sa_family, sizeof(sa_family_t));
    memcpy(bytes + sizeof(sa_family_t), made.file, sizeof made.file);
    assert_int_equal(bind(dead, (struct sockaddr *)bytes, sizeof bytes), 0);
    close(dead);
    assert_int_equal(sl_link_open(&second, &settings, SL_ROLE_RECEIVER, NULL, NULL), SL_OK);
    sl_link_close(&second, 0);
    remove_folder(&made);
}

static void socket_file_in_the_way(void **state) {
    (void)state;
    folder made = make_folder();
    sl_link_settings settings = ipc_settings(&made);
    sl_link *link;
    FILE *file = fopen(made.file, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(sl_link_open(&link, &settings, SL_ROLE_RECEIVER, NULL, NULL), SL_EINVAL);
    assert_int_equal(access(made.file, F_OK), 0);
    remove_folder(&made);
    assert_int_equal(sl_link_open(&link, &settings, SL_ROLE_RECEIVER, NULL, NULL), SL_EINVAL);
    assert_non_null(strstr(sl_error(), made.file));
}

typedef struct outer {
    sl_settings settings;
    sl_link_settings link;
} outer;

static sl_option_group groups[2];

static void options(void **state) {
    (void)state;
    groups[0] =
        (sl_option_group){"Link", sl_link_options, sl_link_option_count, offsetof(outer, link)};
    outer all;
    sl_settings_init(&all, sizeof all, groups);
    assert_null(all.link.address);
    assert_int_equal(all.link.port, 5555);
    assert_int_equal(all.link.pattern, SL_PATTERN_PAIR);
    assert_int_equal(all.link.max_retries, -1);
    assert_int_equal(all.link.max_message_bytes, 64 << 20);
    assert_true(all.link.request_timeout_s >= 4 && all.link.subscriber_timeout_s <= 0);

    const char *right[][2] = {{"address", "::1"},
                              {"port", "0"},
                              {"protocol", "ipc"},
                              {"pattern", "2"},
                              {"pattern", "live"},
                              {"pattern", "reqrep"},
                              {"max_retries", "0"},
                              {"request_timeout", "5"},
                              {"subscriber_timeout", "0.5"},
                              {"max_message_size", "3M"}};
    for (size_t i = 0; i < SL_COUNT(right); i++)
        assert_int_equal(sl_settings_set(&all, right[i][0], right[i][1]), SL_OK);
    assert_int_equal(all.link.pattern, SL_PATTERN_REQREP);
    assert_int_equal(all.link.max_message_bytes, 3 << 20);

    const char *wrong[][2] = {{"port", "65536"},           {"port", "x"},
                              {"protocol", "udp"},         {"pattern", "3"},
                              {"max_retries", "-1"},       {"request_timeout", "3"},
                              {"subscriber_timeout", "0"}, {"max_message_size", "1000"},
                              {"max_message_size", "2T"},  {"max_message_size", "-3M"},
                              {"max_message_size", "3MB"}, {"max_message_size", "99999999999G"}};
    for (size_t i = 0; i < SL_COUNT(wrong); i++)
        assert_int_equal(sl_settings_set(&all, wrong[i][0], wrong[i][1]), SL_EINVAL);
    sl_settings_finish(&all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tcp_endpoints),
        cmocka_unit_test(wrong_tcp_endpoints),
        cmocka_unit_test(ipc_endpoints),
        cmocka_unit_test(wrong_places),
        cmocka_unit_test(port_in_use),
        cmocka_unit_test(socket_file_of_the_living_and_the_dead),
        cmocka_unit_test(socket_file_in_the_way),
        cmocka_unit_test(options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
