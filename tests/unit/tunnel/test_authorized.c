/* Files of authorized keys. */
#include "authorized_files.h"
#include "base/error.h"
#include "tunnel/known_hosts.h"

#include <setjmp.h>
#include <sightline/log.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* Parses "BEFORE key AFTER". */
static int parse(const char *before, const char *after, char *comment, size_t size) {
    char line[1024];
    ssh_key key;
    snprintf(line, sizeof(line), "%s%s%s", before, ours_text, after);
    int code = sl_authorized_parse(line, &target, &key, comment, size);
    assert_true(code != SL_OK || key);
    if (key)
        assert_int_equal(ssh_key_cmp(key, ours, SSH_KEY_CMP_PUBLIC), 0);
    ssh_key_free(key);
    return code;
}

static void keys_are_read(void **state) {
    char comment[64];
    (void)state;
    assert_int_equal(parse("", "", comment, sizeof(comment)), SL_OK);
    assert_string_equal(comment, "");
    assert_int_equal(parse(" \t", " the camera at the gate\r\n", comment, sizeof(comment)), SL_OK);
    assert_string_equal(comment, "the camera at the gate");
    assert_int_equal(parse("", " longer", comment, 4), SL_OK);
    assert_string_equal(comment, "lon");
}

static void what_the_gate_keeps_may_be_asked_for(void **state) {
    static const char *const options[] = {
        "restrict,port-forwarding ",
        "restrict,port-forwarding,permitopen=\"localhost:5555\" ",
        "permitopen=\"localhost:1\",permitopen=\"127.0.0.1:5555\" ",
        "permitopen=\"[::1]:*\" ",
        "permitopen=\"*:5555\" ",
        "permitopen=\"Viewer.example:5555\" ",
        "permitopen=\"db.example:5432\",permitopen=\"localhost:5555\" ",
        "no-pty,no-X11-forwarding,no-agent-forwarding,no-user-rc ",
        "command=\"echo \\\"no, really\\\" here\",PORT-FORWARDING ",
    };
    char comment[64];
    (void)state;
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (parse(options[i], " c", comment, sizeof(comment)) != SL_OK)
            fail_msg("%s: %s", options[i], sl_error());
}

static void what_it_can_not_keep_lets_nobody_in(void **state) {
    static const char *const options[] = {
        "restrict ",
        "no-port-forwarding ",
        "permitopen=\"localhost:5556\" ",
        "permitopen=\"localhost\" ",
        "permitopen=\"db.example:5555\" ",
        "permitopen=\"db.example:*\" ",
        "permitopen=\":5555\" ",
        "permitopen=5555 ",
        "from=\"10.0.0.1\" ",
        "cert-authority ",
        "expiry-time=\"20200101\" ",
        "verify-required ",
        "no-ptyx ",
        "command=\"left open ",
        "restrict , ",
    };
    char comment[64];
    (void)state;
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (parse(options[i], " c", comment, sizeof(comment)) != SL_EINVAL)
            fail_msg("it was taken: %s", options[i]);
}

static void lines_without_a_key(void **state) {
    static const char *const empty[] = {"", "\n", "  \r\n", "# ssh-ed25519 AAAA", "\t#"};
    static const char *const bad[] = {"ssh-ed25519",
                                      "ssh-ed25519 ",
                                      "ssh-ed25519 AAAA",
                                      "ssh-ed25519 !!!!",
                                      "ssh-dream AAAA",
                                      "restrict",
                                      "ssh-ed25519-cert-v01@openssh.com AAAA",
                                      "\"",
                                      "\\\""};
    char line[128], comment[16];
    ssh_key key;
    (void)state;
    for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
        snprintf(line, sizeof(line), "%s", empty[i]);
        assert_int_equal(sl_authorized_parse(line, &target, &key, comment, sizeof(comment)),
                         SL_EAGAIN);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(line, sizeof(line), "%s", bad[i]);
        assert_int_equal(sl_authorized_parse(line, &target, &key, comment, sizeof(comment)),
                         SL_EINVAL);
        assert_null(key);
    }
}

static int look(ssh_key key) {
    char comment[64] = "";
    int code = sl_authorized_look(path, &target, key, comment, sizeof(comment));
    if (code == SL_OK)
        assert_string_equal(comment, "the door");
    return code;
}

static void files_are_looked_through(void **state) {
    (void)state;
    write_file(0600);
    assert_int_equal(look(ours), SL_OK);
    assert_int_equal(look(theirs), SL_EAUTH);
    unlink(path);
    assert_int_equal(look(ours), SL_ESYSTEM);
}

static void count_line(void *user, sl_log_level level, const char *room, const char *line) {
    (void)level, (void)room;
    *(int *)user += strstr(line, "lets nobody in") ? 1 : 0;
}

static void who_knocks_often_fills_no_log(void **state) {
    (void)state;
    int lines = 0;
    write_file(0600);
    sl_log_set(count_line, &lines, SL_LOG_INFO);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(look(theirs), SL_EAUTH);
    sl_log_set(NULL, NULL, SL_LOG_NONE);
    assert_in_range(lines, 0, 200);
}

static void files_that_others_can_write_let_nobody_in(void **state) {
    (void)state;
    write_file(0620);
    assert_int_equal(look(ours), SL_EINVAL);
    write_file(0602);
    assert_int_equal(look(ours), SL_EINVAL);
    write_file(0644);
    assert_int_equal(look(ours), SL_OK);
    assert_int_equal(chmod(folder, 0770), 0);
    assert_int_equal(look(ours), SL_EINVAL);
    assert_int_equal(chmod(folder, 0700), 0);
}

static void tell_nothing(void *user, const sl_authorized_line *line) {
    (void)user, (void)line;
}

/* Nothing can be read at the start of this one, though all may open it. */
static void a_file_that_fails_to_be_read_is_not_an_empty_one(void **state) {
    static const char memory[] = "/proc/self/mem";
    char comment[2];
    (void)state;
    assert_int_equal(sl_authorized_look(memory, &target, ours, comment, sizeof(comment)),
                     SL_ESYSTEM);
    assert_non_null(strstr(sl_error(), "cannot read /proc/self/mem to its end"));
    assert_int_equal(sl_authorized_each(memory, &target, tell_nothing, NULL), SL_ESYSTEM);
    assert_int_equal(sl_authorized_remove(memory, &target, "SHA256:"), SL_ESYSTEM);
    assert_int_equal(sl_authorized_add(memory, &target, ours, ""), SL_ESYSTEM);
}

struct seen {
    int count;
    sl_authorized_line lines[4];
};

static void see(void *user, const sl_authorized_line *line) {
    struct seen *seen = user;
    assert_true(seen->count < 4);
    seen->lines[seen->count++] = *line;
}

static void each_line_is_told(void **state) {
    char fingerprint[64];
    struct seen seen = {0};
    (void)state;
    assert_int_equal(sl_fingerprint(fingerprint, sizeof(fingerprint), ours), SL_OK);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "# none\n\n%s porch\nfrom=\"*\" %s\n", ours_text, theirs_text);
    fclose(file);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(sl_authorized_each(path, &target, see, &seen), SL_OK);
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.lines[0].fingerprint, fingerprint);
    assert_string_equal(seen.lines[0].comment, "porch");
    assert_string_equal(seen.lines[0].problem, "");
    assert_non_null(strstr(seen.lines[1].problem, "from"));
    assert_string_equal(seen.lines[1].comment, "");
    assert_int_equal(sl_authorized_remove(path, &target, seen.lines[1].fingerprint), SL_OK);
    assert_int_equal(sl_authorized_remove(path, &target, seen.lines[1].fingerprint), SL_EAUTH);
    unlink(path);
    assert_int_equal(sl_authorized_each(path, &target, see, &seen), SL_OK);
    assert_int_equal(seen.count, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_read),
        cmocka_unit_test(what_the_gate_keeps_may_be_asked_for),
        cmocka_unit_test(what_it_can_not_keep_lets_nobody_in),
        cmocka_unit_test(lines_without_a_key),
        cmocka_unit_test(files_are_looked_through),
        cmocka_unit_test(who_knocks_often_fills_no_log),
        cmocka_unit_test(files_that_others_can_write_let_nobody_in),
        cmocka_unit_test(a_file_that_fails_to_be_read_is_not_an_empty_one),
        cmocka_unit_test(each_line_is_told),
    };
    return cmocka_run_group_tests(tests, prepare, clean);
}
