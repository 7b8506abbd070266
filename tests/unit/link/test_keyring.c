/* The folders with certificates: made, listed, and not used where others had their hands in. */
#include "base/error.h"
#include "link/keyring.h"
#include <sightline/keys.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BOTH (SL_KEY_OF_SENDER | SL_KEY_OF_RECEIVER)

static char location[64];

static int make_location(void **state) {
    (void)state;
    snprintf(location, sizeof location, "/tmp/sightline-keys-XXXXXX");
    return mkdtemp(location) ? 0 : -1;
}

static int remove_location(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", location);
    return system(command);
}

static const char *path_of(const char *name) {
    static char path[SL_KEYRING_PATH_MAX];
    assert_int_equal(sl_keyring_path(path, location, name), SL_OK);
    return path;
}

static mode_t mode_of(const char *name) {
    struct stat status;
    assert_int_equal(stat(path_of(name), &status), 0);
    return status.st_mode & 07777;
}

static void write_text(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void secrets_are_private(void **state) {
    (void)state;
    assert_int_equal(sl_keys_make(location, BOTH, false), SL_OK);
    assert_int_equal(mode_of(SL_SENDER_SECRET), 0600);
    assert_int_equal(mode_of(SL_RECEIVER_SECRET), 0600);
    assert_int_equal(mode_of("private_keys"), 0700);
    assert_int_equal(mode_of(SL_PUBLIC_KEYS), 0700);
}

static void nothing_is_overwritten_unasked(void **state) {
    (void)state;
    sl_certificate before, after;
    char text[SL_KEY_EXPORT_MAX];
    assert_int_equal(sl_keys_make(location, SL_KEY_OF_RECEIVER, false), SL_OK);
    assert_int_equal(sl_keyring_read(&before, path_of(SL_RECEIVER_SECRET), true), SL_OK);
    assert_int_equal(sl_keys_make(location, BOTH, false), SL_EINVAL);
    assert_non_null(strstr(sl_error(), path_of(SL_RECEIVER_SECRET)));
    assert_int_equal(access(path_of(SL_SENDER_SECRET), F_OK), -1);
    assert_int_equal(chmod(path_of(SL_RECEIVER_SECRET), 0644), 0);
    assert_int_equal(sl_keys_make(location, BOTH, true), SL_OK);
    assert_int_equal(mode_of(SL_RECEIVER_SECRET), 0600);
    assert_int_equal(sl_keyring_read(&after, path_of(SL_RECEIVER_SECRET), true), SL_OK);
    assert_string_not_equal(before.public_key, after.public_key);
    assert_int_equal(sl_keys_export(location, SL_KEY_OF_RECEIVER, text), SL_OK);
    assert_non_null(strstr(text, after.public_key));
    assert_null(strstr(text, after.secret_key));
}

/* As many as begin at once: one makes them, and its two halves stay. */
static void one_of_many_makes_them(void **state) {
    (void)state;
    enum { PROGRAMS = 8 };
    sl_certificate secret, public;
    int starts[2], made = 0;
    pid_t programs[PROGRAMS];
    assert_int_equal(pipe(starts), 0);
    for (int i = 0; i < PROGRAMS; i++) {
        if ((programs[i] = fork()) > 0)
            continue;
        char byte;
        close(starts[1]);
        ssize_t end = read(starts[0], &byte, 1);
        _exit(end == 0 && sl_keys_make(location, SL_KEY_OF_RECEIVER, false) == SL_OK ? 0 : 1);
    }
    close(starts[0]);
    close(starts[1]);
    for (int i = 0; i < PROGRAMS; i++) {
        int status = -1;
        assert_int_equal(waitpid(programs[i], &status, 0), programs[i]);
        made += status == 0;
    }
    assert_int_equal(made, 1);
    assert_int_equal(sl_keyring_read(&secret, path_of(SL_RECEIVER_SECRET), true), SL_OK);
    assert_int_equal(sl_keyring_read(&public, path_of(SL_RECEIVER_PUBLIC), false), SL_OK);
    assert_string_equal(secret.public_key, public.public_key);
}

/* What somebody else may have put there to have another file changed. */
static void link_in_the_place_of_a_secret(void **state) {
    (void)state;
    char target[80];
    snprintf(target, sizeof target, "%s/target", location);
    write_text(target, "mine");
    assert_int_equal(chmod(target, 0644), 0);
    assert_int_equal(sl_keys_make(location, SL_KEY_OF_SENDER, false), SL_OK);
    assert_int_equal(unlink(path_of(SL_SENDER_SECRET)), 0);
    assert_int_equal(symlink(target, path_of(SL_SENDER_SECRET)), 0);
    assert_int_equal(sl_keys_make(location, SL_KEY_OF_SENDER, true), SL_OK);
    assert_int_equal(mode_of("../../target"), 0644);
    assert_int_equal(mode_of(SL_SENDER_SECRET), 0600);
}

static void what_nobody_would_look_at_is_told(void **state) {
    (void)state;
    enum { MOST = 1024 };
    char path[SL_KEYRING_PATH_MAX], own[SL_KEYRING_PATH_MAX];
    sl_certificate receiver;
    assert_int_equal(sl_keys_make(location, BOTH, false), SL_OK);
    snprintf(own, sizeof own, "%s", path_of(SL_RECEIVER_PUBLIC));
    assert_int_equal(sl_keyring_read(&receiver, own, false), SL_OK);
    assert_int_equal(sl_keyring_check(path_of(SL_PUBLIC_KEYS), receiver.public_key), SL_OK);
    for (int i = 2; i <= MOST; i++) {
        assert_in_range(snprintf(path, sizeof path, "%s/%d.key", path_of(SL_PUBLIC_KEYS), i), 1,
                        sizeof path - 1);
        assert_int_equal(link(own, path), 0);
    }
    assert_int_equal(sl_keyring_check(path_of(SL_PUBLIC_KEYS), receiver.public_key), SL_EINVAL);
    assert_non_null(strstr(sl_error(), "take out"));
}

static void check_refused(const char *name, bool secret, const char *why) {
    sl_certificate certificate;
    assert_int_equal(sl_keyring_read(&certificate, path_of(name), secret), SL_EINVAL);
    if (!strstr(sl_error(), why) || !strstr(sl_error(), path_of(name)))
        fail_msg("%s", sl_error());
}

static void what_others_could_read_or_write_is_not_used(void **state) {
    (void)state;
    check_refused(SL_SENDER_SECRET, true, "sightline keys make");
    check_refused(SL_RECEIVER_PUBLIC, false, "sightline keys export");
    assert_int_equal(sl_keys_make(location, BOTH, false), SL_OK);
    assert_int_equal(chmod(path_of(SL_SENDER_SECRET), 0640), 0);
    check_refused(SL_SENDER_SECRET, true, "chmod 600");
    assert_int_equal(chmod(path_of(SL_RECEIVER_PUBLIC), 0664), 0);
    check_refused(SL_RECEIVER_PUBLIC, false, "chmod go-w");
    check_refused(SL_PUBLIC_KEYS, false, "not a regular file");
    assert_int_equal(chmod(path_of(SL_SENDER_PUBLIC), 0600), 0);
    check_refused(SL_SENDER_PUBLIC, true, "public certificate");
}

static void who_is_let_in(void **state) {
    (void)state;
    sl_certificate camera, viewer, stranger;
    sl_log_limit lines = {0};
    char folder[SL_KEYRING_PATH_MAX];
    assert_int_equal(sl_keys_make(location, BOTH, false), SL_OK);
    assert_int_equal(sl_certificate_new(&stranger), SL_OK);
    snprintf(folder, sizeof folder, "%s", path_of(SL_PUBLIC_KEYS));
    assert_int_equal(sl_keyring_read(&camera, path_of(SL_SENDER_PUBLIC), false), SL_OK);
    assert_int_equal(sl_keyring_read(&viewer, path_of(SL_RECEIVER_PUBLIC), false), SL_OK);
    assert_int_equal(sl_keyring_check(folder, viewer.public_key), SL_OK);
    assert_int_equal(sl_keyring_find(folder, camera.public_key, &lines), SL_OK);
    assert_int_equal(sl_keyring_find(folder, stranger.public_key, &lines), SL_EAUTH);

    char text[SL_CERTIFICATE_BYTES_MAX];
    sl_certificate_write(&stranger, false, text);
    write_text(path_of("public_keys/porch.key"), text);
    assert_int_equal(sl_keyring_find(folder, stranger.public_key, &lines), SL_OK);
    assert_int_equal(chmod(path_of("public_keys/porch.key"), 0666), 0);
    assert_int_equal(sl_keyring_find(folder, stranger.public_key, &lines), SL_EAUTH);
    assert_int_equal(sl_keyring_check(folder, viewer.public_key), SL_EINVAL);
    assert_non_null(strstr(sl_error(), "porch.key"));
    assert_int_equal(unlink(path_of("public_keys/porch.key")), 0);

    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(sl_keyring_find(folder, camera.public_key, &lines), SL_EAUTH);
    assert_int_equal(chmod(folder, 0700), 0);
    assert_int_equal(unlink(path_of(SL_SENDER_PUBLIC)), 0);
    assert_int_equal(sl_keyring_check(folder, viewer.public_key), SL_EINVAL);
    assert_non_null(strstr(sl_error(), "nobody in"));
}

static void lists_tell_what_is_wrong(void **state) {
    (void)state;
    sl_key_list *list;
    assert_int_equal(sl_key_list_open(&list, location), SL_OK);
    assert_int_equal(list->count, 0);
    sl_key_list_close(&list);
    assert_int_equal(sl_keys_make(location, SL_KEY_OF_SENDER, false), SL_OK);
    write_text(path_of("public_keys/broken.key"), "curve\n    public-key = \"short\"\n");
    write_text(path_of("public_keys/notes.txt"), "not looked at");
    assert_int_equal(sl_key_list_open(&list, location), SL_OK);
    assert_int_equal(list->count, 3);
    assert_non_null(strstr(list->keys[0].problem, "broken.key"));
    assert_string_equal(list->keys[0].public_key, "");
    assert_string_equal(list->keys[1].problem, "");
    assert_true(list->keys[2].secret);
    assert_string_equal(list->keys[1].public_key, list->keys[2].public_key);
    sl_key_list_close(&list);
    assert_int_equal(sl_key_list_open(&list, "/nowhere"), SL_EINVAL);
    assert_null(list);
}

/* As NetGear does: a location that is the folder itself already. */
static void location_may_be_the_folder_itself(void **state) {
    (void)state;
    char below[80], path[SL_KEYRING_PATH_MAX];
    snprintf(below, sizeof below, "%s/.vidgear", location);
    assert_int_equal(mkdir(below, 0700), 0);
    assert_int_equal(sl_keyring_path(path, below, SL_PUBLIC_KEYS), SL_OK);
    assert_string_equal(path, path_of(SL_PUBLIC_KEYS));
}

#define IN_A_LOCATION(test) cmocka_unit_test_setup_teardown(test, make_location, remove_location)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_A_LOCATION(secrets_are_private),
        IN_A_LOCATION(nothing_is_overwritten_unasked),
        IN_A_LOCATION(one_of_many_makes_them),
        IN_A_LOCATION(link_in_the_place_of_a_secret),
        IN_A_LOCATION(what_nobody_would_look_at_is_told),
        IN_A_LOCATION(what_others_could_read_or_write_is_not_used),
        IN_A_LOCATION(who_is_let_in),
        IN_A_LOCATION(lists_tell_what_is_wrong),
        IN_A_LOCATION(location_may_be_the_folder_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
