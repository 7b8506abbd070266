/* Files of authorized keys. */
#include "tunnel/authorized.h"
#include "base/error.h"

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

static const sl_gate_target target = {"viewer.example", 5555};

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
    snprintf(path, sizeof(path), "%s/keys", folder);
    ours = make(ours_text, sizeof(ours_text));
    theirs = make(theirs_text, sizeof(theirs_text));
    return 0;
}

static int clean(void **state) {
    (void)state;
    unlink(path);
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
    if (code == SL_OK)
        assert_int_equal(ssh_key_cmp(key, ours, SSH_KEY_CMP_PUBLIC), 0);
    else
        assert_null(key);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_read),
        cmocka_unit_test(what_the_gate_keeps_may_be_asked_for),
        cmocka_unit_test(what_it_can_not_keep_lets_nobody_in),
        cmocka_unit_test(lines_without_a_key),
        cmocka_unit_test(files_are_looked_through),
        cmocka_unit_test(files_that_others_can_write_let_nobody_in),
    };
    return cmocka_run_group_tests(tests, prepare, clean);
}
