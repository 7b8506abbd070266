/* Files of authorized keys. */
#include "tunnel/authorized.h"
#include "base/error.h"
#include "tunnel/known_hosts.h"

#include <fcntl.h>
#include <setjmp.h>
#include <sightline/log.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static const sl_gate_target target = {.address = "viewer.example", .port = 5555};

static char folder[] = "/tmp/sl-authorized-XXXXXX";
static char path[64];
static ssh_key ours, theirs;
static char ours_text[256], theirs_text[256];

static ssh_key make(char *text, size_t size) {
    ssh_key key;
    char *encoded;
    assert_int_equal(ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key), SSH_OK);
    assert_int_equal(ssh_pki_export_pubkey_base64(key, &encoded), SSH_OK);
    snprintf(text, size, "ssh-ed25519 %s", encoded);
    ssh_string_free_char(encoded);
    return key;
}

static int prepare(void **state) {
    (void)state;
    assert_non_null(mkdtemp(folder));
    setenv("XDG_STATE_HOME", folder, 1);
    snprintf(path, sizeof(path), "%s/keys", folder);
    ours = make(ours_text, sizeof(ours_text));
    theirs = make(theirs_text, sizeof(theirs_text));
    return 0;
}

static int clean(void **state) {
    char state_folder[64], lock[96];
    (void)state;
    snprintf(state_folder, sizeof(state_folder), "%s/sightline", folder);
    snprintf(lock, sizeof(lock), "%s/authorized_keys.lock", state_folder);
    unlink(path);
    unlink(lock);
    rmdir(state_folder);
    rmdir(folder);
    ssh_key_free(ours);
    ssh_key_free(theirs);
    return 0;
}

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

static void write_file(mode_t mode) {
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fprintf(file, "# cameras\nnonsense\nfrom=\"x\" %s narrowed\n%s the door\n", theirs_text,
            ours_text);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
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

static void expect_file(const char *wanted) {
    char text[2048];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(text, wanted);
}

static bool lets_in(ssh_key key) {
    char comment[64];
    return sl_authorized_look(path, &target, key, comment, sizeof(comment)) == SL_OK;
}

static void keys_are_added_and_taken_out(void **state) {
    char fingerprint[64], wanted[2048], before[1024];
    (void)state;
    unlink(path);
    assert_int_equal(sl_fingerprint(fingerprint, sizeof(fingerprint), ours), SL_OK);
    assert_int_equal(sl_authorized_remove(path, &target, fingerprint), SL_EAUTH);
    assert_int_equal(sl_authorized_add(path, &target, ours, "porch"), SL_OK);
    snprintf(wanted, sizeof(wanted), "restrict,port-forwarding %s porch\n", ours_text);
    expect_file(wanted);
    assert_int_equal(sl_authorized_add(path, &target, ours, "again"), SL_OK);
    expect_file(wanted);
    assert_true(lets_in(ours));

    snprintf(before, sizeof(before), "# mine\n\n  from=\"*\" %s x\r\nnonsense\n%s y", ours_text,
             theirs_text);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(before, file);
    fclose(file);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(sl_authorized_add(path, &target, ours, "porch"), SL_OK);
    snprintf(wanted, sizeof(wanted), "%s\nrestrict,port-forwarding %s porch\n", before, ours_text);
    expect_file(wanted);
    assert_int_equal(sl_authorized_remove(path, &target, fingerprint), SL_OK);
    snprintf(wanted, sizeof(wanted), "# mine\n\nnonsense\n%s y\n", theirs_text);
    expect_file(wanted);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
    assert_true(lets_in(theirs));
}

static void a_file_that_is_a_link_stays_one(void **state) {
    char link[80];
    struct stat status;
    (void)state;
    write_file(0600);
    snprintf(link, sizeof(link), "%s/link", folder);
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(sl_authorized_add(link, &target, theirs, "yard"), SL_OK);
    assert_int_equal(lstat(link, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_true(lets_in(theirs));
    unlink(link);
}

static void others_who_lock_what_they_can_open_hold_nobody_up(void **state) {
    (void)state;
    char fingerprint[64];
    assert_int_equal(sl_fingerprint(fingerprint, sizeof(fingerprint), ours), SL_OK);
    int theirs_locked = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(flock(theirs_locked, LOCK_EX), 0);
    assert_int_equal(sl_authorized_add(path, &target, ours, "porch"), SL_OK);
    assert_int_equal(sl_authorized_remove(path, &target, fingerprint), SL_OK);
    close(theirs_locked);
}

static void files_that_others_can_write_are_not_changed(void **state) {
    (void)state;
    write_file(0622);
    assert_int_equal(sl_authorized_add(path, &target, theirs, "yard"), SL_EINVAL);
    write_file(0600);
    assert_int_equal(sl_authorized_add("/nowhere/keys", &target, ours, "porch"), SL_ESYSTEM);
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
        cmocka_unit_test(keys_are_added_and_taken_out),
        cmocka_unit_test(a_file_that_is_a_link_stays_one),
        cmocka_unit_test(others_who_lock_what_they_can_open_hold_nobody_up),
        cmocka_unit_test(files_that_others_can_write_are_not_changed),
        cmocka_unit_test(each_line_is_told),
    };
    return cmocka_run_group_tests(tests, prepare, clean);
}
