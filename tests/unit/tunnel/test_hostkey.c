/* Which host keys are accepted, against a real sshd. */
#include "base/error.h"
#include "sshd.h"
#include "tunnel/tunnel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static struct sshd server;
static sl_tunnel_settings settings;

static int prepare(void **state) {
    (void)state;
    sshd_start(&server, "");
    return 0;
}

static int tidy(void **state) {
    (void)state;
    sshd_finish(&server);
    return 0;
}

static int set_up(void **state) {
    (void)state;
    sshd_settings(&server, &settings);
    return 0;
}

static int try(void) {
    sl_tunnel *tunnel;
    sl_tunnel_target target = {"127.0.0.1", 9};
    int code = sl_tunnel_open(&tunnel, &settings, &target, NULL);
    sl_tunnel_close(&tunnel, 0);
    return code;
}

static void expect_sentence(const char *part) {
    if (!strstr(sl_error(), part))
        fail_msg("\"%s\" is not in: %s", part, sl_error());
}

/* Copies a file of the server's folder, with a text before and lines changed by sed. */
static void make_file(const char *name, const char *command) {
    char text[512];
    snprintf(text, sizeof(text), "cd %s && %s > %s", server.folder, command, name);
    assert_int_equal(system(text), 0);
}

static void a_known_key_is_accepted(void **state) {
    (void)state;
    assert_int_equal(try(), SL_OK);
}

static void the_user_s_own_file_counts(void **state) {
    (void)state;
    settings.known_hosts = NULL; /* HOME is the server's folder */
    assert_int_equal(try(), SL_EHOSTKEY);
    mkdir(sshd_path(&server, ".ssh"), 0700);
    make_file(".ssh/known_hosts", "cat known_hosts");
    assert_int_equal(try(), SL_OK);
    unlink(sshd_path(&server, ".ssh/known_hosts"));
}

static void a_hashed_name_is_found(void **state) {
    (void)state;
    make_file("hashed", "cat known_hosts");
    make_file("/dev/null", "ssh-keygen -q -H -f hashed 2>/dev/null");
    settings.known_hosts = sshd_path(&server, "hashed");
    assert_int_equal(try(), SL_OK);
}

static void an_unknown_key_is_refused_with_its_fingerprint(void **state) {
    (void)state;
    settings.known_hosts = sshd_path(&server, "nothing");
    assert_int_equal(try(), SL_EHOSTKEY);
    expect_sentence("not known");
    expect_sentence(fingerprint_of(sshd_path(&server, "host_ed25519.pub")));
    expect_sentence("--ssh-host-key SHA256:");
    expect_sentence("accept-new");
    assert_int_not_equal(access(settings.known_hosts, F_OK), 0);
}

static void a_new_key_is_remembered_when_so_chosen(void **state) {
    (void)state;
    struct stat status;
    settings.known_hosts = sshd_path(&server, "new");
    settings.host_key_policy = SL_HOST_KEY_ACCEPT_NEW;
    assert_int_equal(try(), SL_OK);
    assert_int_equal(stat(settings.known_hosts, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    settings.host_key_policy = SL_HOST_KEY_STRICT;
    assert_int_equal(try(), SL_OK);
}

static void a_new_key_goes_into_sightline_s_own_file(void **state) {
    (void)state;
    settings.known_hosts = NULL;
    settings.host_key_policy = SL_HOST_KEY_ACCEPT_NEW;
    assert_int_equal(try(), SL_OK);
    assert_int_equal(access(sshd_path(&server, ".local/state/sightline/known_hosts"), F_OK), 0);
    assert_int_not_equal(access(sshd_path(&server, ".ssh/known_hosts"), F_OK), 0);
    settings.host_key_policy = SL_HOST_KEY_STRICT;
    assert_int_equal(try(), SL_OK);
}

static void a_changed_key_is_refused_whatever_was_chosen(void **state) {
    (void)state;
    char key[64];
    make_file("changed", "sed \"s/ssh-ed25519 .*/$(cut -d' ' -f1,2 id.pub | sed 's,/,\\\\/,g')/\" "
                         "known_hosts");
    settings.known_hosts = sshd_path(&server, "changed");
    for (int policy = 0; policy < 2; policy++) {
        settings.host_key_policy = policy ? SL_HOST_KEY_ACCEPT_NEW : SL_HOST_KEY_STRICT;
        assert_int_equal(try(), SL_EHOSTKEY);
        expect_sentence("CHANGED");
        snprintf(key, sizeof(key), "%s", fingerprint_of(sshd_path(&server, "id.pub")));
        expect_sentence(key);
        expect_sentence(fingerprint_of(sshd_path(&server, "host_ed25519.pub")));
        expect_sentence("line 1 of");
        expect_sentence("ssh-keygen -R '[127.0.0.1]:");
    }
}

static void a_file_that_cannot_be_read_may_know_the_key(void **state) {
    (void)state;
    settings.host_key_policy = SL_HOST_KEY_ACCEPT_NEW;
    settings.known_hosts = server.folder; /* no regular file */
    assert_int_equal(try(), SL_EHOSTKEY);
    expect_sentence(server.folder);
    settings.known_hosts = "/proc/self/mem"; /* opens, but reading fails */
    assert_int_equal(try(), SL_EHOSTKEY);
    expect_sentence("/proc/self/mem");
    /* One of several. */
    settings.known_hosts = NULL;
    assert_int_equal(system("rm -rf $HOME/.local"), 0);
    mkdir(sshd_path(&server, ".ssh"), 0700);
    mkdir(sshd_path(&server, ".ssh/known_hosts"), 0700);
    assert_int_equal(try(), SL_EHOSTKEY);
    expect_sentence(".ssh/known_hosts");
    assert_int_not_equal(access(sshd_path(&server, ".local/state/sightline/known_hosts"), F_OK), 0);
    rmdir(sshd_path(&server, ".ssh/known_hosts"));
    assert_int_equal(try(), SL_OK);
}

static void the_kind_that_is_known_is_asked_for(void **state) {
    (void)state;
    make_file("elliptic", "sed \"s/ssh-ed25519 .*/$(cut -d' ' -f1,2 host_ecdsa.pub | "
                          "sed 's,/,\\\\/,g')/\" known_hosts");
    settings.known_hosts = sshd_path(&server, "elliptic");
    assert_int_equal(try(), SL_OK);
}

static void a_pinned_key_is_found_among_the_server_s(void **state) {
    (void)state;
    char pin[80];
    static const char *const names[] = {"host_ed25519.pub", "host_ecdsa.pub"};
    settings.known_hosts = sshd_path(&server, "nothing");
    for (int i = 0; i < 2; i++) {
        snprintf(pin, sizeof(pin), "%s%s", fingerprint_of(sshd_path(&server, names[i])),
                 i ? "=" : "");
        settings.host_key = pin;
        if (try() != SL_OK)
            fail_msg("%s: %s", names[i], sl_error());
    }
}

static void only_the_pinned_key_is_accepted(void **state) {
    (void)state;
    char pin[80];
    snprintf(pin, sizeof(pin), "%s", fingerprint_of(sshd_path(&server, "id.pub")));
    settings.host_key = pin;
    assert_int_equal(try(), SL_EHOSTKEY); /* although the host is known */
    expect_sentence(pin);
    expect_sentence(fingerprint_of(sshd_path(&server, "host_ed25519.pub")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_known_key_is_accepted, set_up),
        cmocka_unit_test_setup(the_user_s_own_file_counts, set_up),
        cmocka_unit_test_setup(a_hashed_name_is_found, set_up),
        cmocka_unit_test_setup(an_unknown_key_is_refused_with_its_fingerprint, set_up),
        cmocka_unit_test_setup(a_new_key_is_remembered_when_so_chosen, set_up),
        cmocka_unit_test_setup(a_new_key_goes_into_sightline_s_own_file, set_up),
        cmocka_unit_test_setup(a_changed_key_is_refused_whatever_was_chosen, set_up),
        cmocka_unit_test_setup(a_file_that_cannot_be_read_may_know_the_key, set_up),
        cmocka_unit_test_setup(the_kind_that_is_known_is_asked_for, set_up),
        cmocka_unit_test_setup(a_pinned_key_is_found_among_the_server_s, set_up),
        cmocka_unit_test_setup(only_the_pinned_key_is_accepted, set_up),
    };
    return cmocka_run_group_tests(tests, prepare, tidy);
}
