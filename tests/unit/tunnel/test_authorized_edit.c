/* Changing files of authorized keys. */
#include "authorized_files.h"
#include "base/error.h"
#include "tunnel/known_hosts.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>

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

static void a_file_is_ready_or_will_be(void **state) {
    (void)state;
    unlink(path);
    assert_int_equal(sl_authorized_ready(path), SL_OK);
    write_file(0622);
    assert_int_equal(sl_authorized_ready(path), SL_EINVAL);
    write_file(0600);
    assert_int_equal(sl_authorized_ready(path), SL_OK);
}

/* What is not there yet is as good as the folder that it will be in. */
static void a_file_that_could_not_be_made_is_not_ready(void **state) {
    (void)state;
    char elsewhere[80];
    snprintf(elsewhere, sizeof(elsewhere), "%s/missing/keys", folder);
    assert_int_equal(sl_authorized_ready(elsewhere), SL_ESYSTEM);
    assert_non_null(strstr(sl_error(), "/missing:"));
    unlink(path);
    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(sl_authorized_ready(path), SL_EINVAL);
    assert_int_equal(chmod(folder, 0700), 0);
    assert_int_equal(sl_authorized_ready(path), SL_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_added_and_taken_out),
        cmocka_unit_test(a_file_that_is_a_link_stays_one),
        cmocka_unit_test(others_who_lock_what_they_can_open_hold_nobody_up),
        cmocka_unit_test(files_that_others_can_write_are_not_changed),
        cmocka_unit_test(a_file_is_ready_or_will_be),
        cmocka_unit_test(a_file_that_could_not_be_made_is_not_ready),
    };
    return cmocka_run_group_tests(tests, prepare, clean);
}
