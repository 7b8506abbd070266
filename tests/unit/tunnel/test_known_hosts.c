/* Files of known host keys. */
#include "tunnel/known_hosts.h"
#include "base/error.h"

#include <fcntl.h>
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

static char folder[] = "/tmp/sl-known-XXXXXX";
static char path[64];
static ssh_key ours, theirs, elliptic;
static char ours_text[256], theirs_text[256];

static ssh_key make(enum ssh_keytypes_e type, int bits, char *text, size_t size) {
    ssh_key key;
    char *encoded;
    assert_int_equal(ssh_pki_generate(type, bits, &key), SSH_OK);
    assert_int_equal(ssh_pki_export_pubkey_base64(key, &encoded), SSH_OK);
    snprintf(text, size, "%s %s", ssh_key_type_to_char(ssh_key_type(key)), encoded);
    ssh_string_free_char(encoded);
    return key;
}

static int prepare(void **state) {
    char text[512];
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/known_hosts", folder);
    ours = make(SSH_KEYTYPE_ED25519, 0, ours_text, sizeof(ours_text));
    theirs = make(SSH_KEYTYPE_ED25519, 0, theirs_text, sizeof(theirs_text));
    elliptic = make(SSH_KEYTYPE_ECDSA_P256, 256, text, sizeof(text));
    return 0;
}

static int tidy(void **state) {
    (void)state;
    unlink(path);
    rmdir(folder);
    ssh_key_free(ours);
    ssh_key_free(theirs);
    ssh_key_free(elliptic);
    return 0;
}

static void write_file(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void write_file(const char *format, ...) {
    va_list arguments;
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    va_start(arguments, format);
    vfprintf(file, format, arguments);
    va_end(arguments);
    fclose(file);
}

static sl_known_hosts look(const char *name, ssh_key key) {
    sl_known_hosts known = {0};
    sl_known_hosts_look(&known, path, name, key);
    return known;
}

static void finds_plain_names(void **state) {
    (void)state;
    write_file("# a comment\n\nelse %s\nhost,192.0.2.1 %s comment\n[host]:2222 %s\n", theirs_text,
               ours_text, theirs_text);
    sl_known_hosts known = look("host", ours);
    assert_int_equal(known.verdict, SL_KNOWN_SAME);
    assert_int_equal(known.line, 4);
    assert_string_equal(known.path, path);
    assert_int_equal(look("192.0.2.1", ours).verdict, SL_KNOWN_SAME);
    assert_int_equal(look("[host]:2222", theirs).verdict, SL_KNOWN_SAME);
    assert_int_equal(look("[host]:2222", ours).verdict, SL_KNOWN_OTHER);
    assert_int_equal(look("[host]:2223", ours).verdict, SL_KNOWN_NOTHING);
    assert_int_equal(look("nobody", ours).verdict, SL_KNOWN_NOTHING);
}

static void names_the_key_that_is_known_instead(void **state) {
    (void)state;
    char fingerprint[64];
    write_file("x %s\n\thost\t%s\n", ours_text, theirs_text);
    sl_known_hosts known = look("host", ours);
    assert_int_equal(known.verdict, SL_KNOWN_OTHER);
    assert_int_equal(known.line, 2);
    assert_int_equal(sl_fingerprint(fingerprint, sizeof(fingerprint), theirs), SL_OK);
    assert_string_equal(known.fingerprint, fingerprint);
    assert_int_equal(strlen(fingerprint), strlen("SHA256:") + 43);
    assert_int_equal(known.types, 1u << SSH_KEYTYPE_ED25519);
    /* A key of another kind is another key. */
    assert_int_equal(look("host", elliptic).verdict, SL_KNOWN_OTHER);
}

static void the_right_key_outweighs_others(void **state) {
    (void)state;
    write_file("host %s\nhost %s\n", theirs_text, ours_text);
    assert_int_equal(look("host", ours).verdict, SL_KNOWN_SAME);
}

static void finds_hashed_names(void **state) {
    (void)state;
    char command[128];
    write_file("[host]:2222 %s\n", ours_text);
    snprintf(command, sizeof(command), "ssh-keygen -q -H -f %s 2>/dev/null", path);
    assert_int_equal(system(command), 0);
    char old[80];
    snprintf(old, sizeof(old), "%s.old", path);
    unlink(old);
    char first[4] = "";
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(descriptor, first, 3), 3);
    close(descriptor);
    assert_string_equal(first, "|1|");
    assert_int_equal(look("[host]:2222", ours).verdict, SL_KNOWN_SAME);
    assert_int_equal(look("[host]:2222", theirs).verdict, SL_KNOWN_OTHER);
    assert_int_equal(look("host", ours).verdict, SL_KNOWN_NOTHING);
}

static void follows_patterns(void **state) {
    (void)state;
    write_file("!bad.example.org,*.example.org %s\n", ours_text);
    assert_int_equal(look("good.example.org", ours).verdict, SL_KNOWN_SAME);
    assert_int_equal(look("bad.example.org", ours).verdict, SL_KNOWN_NOTHING);
    assert_int_equal(look("example.com", ours).verdict, SL_KNOWN_NOTHING);
}

static void refuses_revoked_keys(void **state) {
    (void)state;
    write_file("host %s\n@revoked * %s\n", ours_text, ours_text);
    assert_int_equal(look("host", ours).verdict, SL_KNOWN_REVOKED);
    assert_int_equal(look("host", theirs).verdict, SL_KNOWN_OTHER);
    write_file("@revoked * %s\n", ours_text);
    assert_int_equal(look("host", theirs).verdict, SL_KNOWN_NOTHING);
    assert_int_equal(look("host", theirs).types, 0);
}

static void passes_over_what_it_cannot_read(void **state) {
    (void)state;
    write_file("@cert-authority * %s\nhost\nhost ssh-ed25519\nhost ssh-ed25519 !!!!\nhost nonsense "
               "AAAA\n|1|broken %s\n|1||| %s\n,,, %s\n   \nhost %s",
               ours_text, ours_text, ours_text, ours_text, ours_text);
    sl_known_hosts known = look("host", ours);
    assert_int_equal(known.verdict, SL_KNOWN_SAME);
    assert_int_equal(known.line, 10);
}

static void a_missing_file_knows_nothing(void **state) {
    (void)state;
    unlink(path);
    assert_int_equal(look("host", ours).verdict, SL_KNOWN_NOTHING);
}

static void files_without_end_know_nothing(void **state) {
    (void)state;
    sl_known_hosts known = {0};
    alarm(60); /* ends a test that hangs */
    sl_known_hosts_look(&known, "/dev/full", "host", ours);
    assert_int_equal(known.verdict, SL_KNOWN_NOTHING);
    write_file("host %s\n", ours_text);
    assert_int_equal(truncate(path, 16 * 1048576 + 1), 0);
    assert_int_equal(look("host", ours).verdict, SL_KNOWN_NOTHING);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(look("host", ours).verdict, SL_KNOWN_NOTHING);
    unlink(path);
    alarm(0);
}

static void adds_keys_to_a_private_file(void **state) {
    (void)state;
    struct stat status;
    unlink(path);
    assert_int_equal(sl_known_hosts_add(path, "[host]:2222", ours), SL_OK);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(sl_known_hosts_add(path, "other", elliptic), SL_OK);
    assert_int_equal(look("[host]:2222", ours).verdict, SL_KNOWN_SAME);
    assert_int_equal(look("other", elliptic).line, 2);

    write_file("x %s", theirs_text); /* no line ending */
    assert_int_equal(sl_known_hosts_add(path, "host", ours), SL_OK);
    assert_int_equal(look("host", ours).line, 2);
    assert_int_equal(look("x", theirs).verdict, SL_KNOWN_SAME);
}

static void says_when_it_cannot_add(void **state) {
    (void)state;
    assert_int_equal(sl_known_hosts_add("/nowhere/known_hosts", "host", ours), SL_ESYSTEM);
    assert_non_null(strstr(sl_error(), "/nowhere/known_hosts"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_plain_names),
        cmocka_unit_test(names_the_key_that_is_known_instead),
        cmocka_unit_test(the_right_key_outweighs_others),
        cmocka_unit_test(finds_hashed_names),
        cmocka_unit_test(follows_patterns),
        cmocka_unit_test(refuses_revoked_keys),
        cmocka_unit_test(passes_over_what_it_cannot_read),
        cmocka_unit_test(a_missing_file_knows_nothing),
        cmocka_unit_test(files_without_end_know_nothing),
        cmocka_unit_test(adds_keys_to_a_private_file),
        cmocka_unit_test(says_when_it_cannot_add),
    };
    return cmocka_run_group_tests(tests, prepare, tidy);
}
