/* Private files and folders. */
#include "base/file.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/sightline-file-XXXXXX";

static int prepare(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int clean(void **state) {
    (void)state;
    char command[64];
    snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command);
}

static mode_t mode_of(const char *path) {
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 0777;
}

static void own_folders_are_private(void **state) {
    (void)state;
    char path[256], expected[256];
    setenv("HOME", folder, 1);
    unsetenv("XDG_CONFIG_HOME");
    setenv("XDG_STATE_HOME", "relative/is/ignored", 1);
    assert_int_equal(sl_config_path(path, sizeof(path), "config"), 0);
    snprintf(expected, sizeof(expected), "%s/.config/sightline/config", folder);
    assert_string_equal(path, expected);
    *strrchr(path, '/') = '\0';
    assert_int_equal(mode_of(path), 0700);
    assert_int_equal(sl_state_path(path, sizeof(path), "known_hosts"), 0);
    snprintf(expected, sizeof(expected), "%s/.local/state/sightline/known_hosts", folder);
    assert_string_equal(path, expected);
    snprintf(expected, sizeof(expected), "%s/state", folder);
    setenv("XDG_STATE_HOME", expected, 1);
    assert_int_equal(sl_state_path(path, sizeof(path), "x"), 0);
    assert_int_equal(strncmp(path, expected, strlen(expected)), 0);
    assert_int_equal(sl_state_path(path, 10, "x"), SL_ESYSTEM);
    setenv("XDG_STATE_HOME", "/proc/nothing", 1);
    assert_int_equal(sl_state_path(path, sizeof(path), "x"), SL_ESYSTEM);
    assert_non_null(strstr(sl_error(), "/proc/nothing/sightline"));
}

static int first_line_of(const char *text, char *line, size_t size) {
    char path[256];
    snprintf(path, sizeof(path), "%s/line", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return sl_file_first_line(path, line, size, 1000);
}

static void reads_the_first_line(void **state) {
    (void)state;
    char line[8];
    assert_int_equal(first_line_of("secret\r\nmore\n", line, sizeof(line)), 0);
    assert_string_equal(line, "secret");
    assert_int_equal(first_line_of("1234567", line, sizeof(line)), 0);
    assert_string_equal(line, "1234567");
    assert_int_equal(first_line_of("12345678", line, sizeof(line)), SL_EINVAL);
    assert_int_equal(first_line_of("", line, sizeof(line)), SL_EINVAL);
    assert_int_equal(first_line_of("\nsecret", line, sizeof(line)), SL_EINVAL);
    assert_int_equal(sl_file_first_line("/nowhere", line, sizeof(line), 1000), SL_ESYSTEM);
    assert_int_equal(sl_file_first_line("/", line, sizeof(line), 1000), SL_ESYSTEM);
}

static void reads_the_first_line_of_a_pipe(void **state) {
    (void)state;
    char path[256], line[8];
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
    assert_int_equal(write(ends[1], "secret\nmore", 11), 11);
    assert_int_equal(sl_file_first_line(path, line, sizeof(line), 1000), 0);
    assert_string_equal(line, "secret");
    close(ends[1]);
    assert_int_equal(sl_file_first_line(path, line, sizeof(line), 1000), 0);
    assert_string_equal(line, "more");
    assert_int_equal(sl_file_first_line(path, line, sizeof(line), 1000), SL_EINVAL);
    close(ends[0]);
}

static void waits_for_no_pipe_for_ever(void **state) {
    (void)state;
    char path[256], line[8];
    snprintf(path, sizeof(path), "%s/fifo", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    alarm(20); /* ends a test that hangs */
    assert_int_equal(sl_file_first_line(path, line, sizeof(line), 20), SL_ESYSTEM);
    assert_non_null(strstr(sl_error(), path));
    int both = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(write(both, "half", 4), 4);
    assert_int_equal(sl_file_first_line(path, line, sizeof(line), 20), SL_ESYSTEM);
    close(both);
    alarm(0);
    assert_int_equal(sl_file_first_line("/dev/zero", line, sizeof(line), 20), SL_ESYSTEM);
}

static void opens_files_alone(void **state) {
    (void)state;
    char path[256];
    FILE *file;
    snprintf(path, sizeof(path), "%s/open", folder);
    FILE *made = fopen(path, "w");
    fputs("12345678", made);
    fclose(made);
    assert_int_equal(sl_file_open(&file, path, 8), 0);
    assert_int_equal(fgetc(file), '1');
    fclose(file);
    assert_int_equal(sl_file_open(&file, "/dev/null", 8), 0);
    assert_int_equal(fgetc(file), EOF);
    fclose(file);
    assert_int_equal(sl_file_open(&file, path, 7), SL_EINVAL);
    assert_int_equal(sl_file_open(&file, "/dev/full", 8), SL_EINVAL);
    assert_int_equal(sl_file_open(&file, "/", 8), SL_EINVAL);
    snprintf(path, sizeof(path), "%s/open-fifo", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    alarm(20);
    assert_int_equal(sl_file_open(&file, path, 8), SL_EINVAL);
    alarm(0);
    assert_int_equal(sl_file_open(&file, "/nowhere", 8), SL_ESYSTEM);
    assert_int_equal(errno, ENOENT);
}

static void sockets_get_a_private_folder(void **state) {
    (void)state;
    char path[108];
    setenv("XDG_RUNTIME_DIR", "/nowhere", 1);
    setenv("TMPDIR", folder, 1);
    assert_int_equal(sl_private_directory(path, sizeof(path)), 0);
    assert_int_equal(strncmp(path, folder, strlen(folder)), 0);
    assert_int_equal(mode_of(path), 0700);
    assert_int_equal(sl_private_directory(path, 5), SL_ESYSTEM);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_folders_are_private),
        cmocka_unit_test(reads_the_first_line),
        cmocka_unit_test(reads_the_first_line_of_a_pipe),
        cmocka_unit_test(waits_for_no_pipe_for_ever),
        cmocka_unit_test(opens_files_alone),
        cmocka_unit_test(sockets_get_a_private_folder),
    };
    return cmocka_run_group_tests(tests, prepare, clean);
}
