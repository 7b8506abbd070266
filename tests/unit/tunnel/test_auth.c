/* Logging in: keys and agents against a real sshd, passwords against a small server. */
#include "base/error.h"
#include "sshd.h"
#include "tunnel/tunnel.h"

#include <fcntl.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define SECRET "correct horse 4"

static struct sshd server;
static int listener, port; /* behind the servers; they forward to it */
static sl_tunnel_settings settings;
static int questions;    /* that were asked */
static const char *said; /* the answer to them; NULL: nobody answers */
static char last_prompt[256];

static int prepare(void **state) {
    (void)state;
    sshd_start(&server, "");
    listener = listen_somewhere(&port);
    const char *const locked[] = {
        "/usr/bin/ssh-keygen",        "-q", "-t", "ed25519", "-N", SECRET, "-f",
        sshd_path(&server, "locked"), NULL};
    run_program(locked);
    const char *const stranger[] = {
        "/usr/bin/ssh-keygen",          "-q", "-t", "ecdsa", "-N", "", "-f",
        sshd_path(&server, "stranger"), NULL};
    run_program(stranger);
    const char *const old[] = {
        "/usr/bin/ssh-keygen",     "-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", SECRET, "-f",
        sshd_path(&server, "pem"), NULL};
    run_program(old);
    char command[256];
    snprintf(command, sizeof(command), "cd %s && cat locked.pub pem.pub >> authorized_keys",
             server.folder);
    assert_int_equal(system(command), 0);
    return 0;
}

static int tidy(void **state) {
    (void)state;
    close(listener);
    sshd_finish(&server);
    return 0;
}

static int set_up(void **state) {
    (void)state;
    sshd_settings(&server, &settings);
    unsetenv("SSH_AUTH_SOCK");
    questions = 0;
    said = NULL;
    return 0;
}

static int answer(void *user, const char *prompt, bool echo, char *text, size_t size) {
    (void)user;
    assert_false(echo);
    questions++;
    snprintf(last_prompt, sizeof(last_prompt), "%s", prompt);
    if (!said)
        return SL_ECANCELED;
    snprintf(text, size, "%s", said);
    return SL_OK;
}

static int try(void) {
    sl_tunnel *tunnel;
    sl_tunnel_target target = {"127.0.0.1", port};
    int code = sl_tunnel_open(&tunnel, &settings, &target, NULL);
    sl_tunnel_close(&tunnel, 0);
    return code;
}

static void expect_sentence(const char *part) {
    if (!strstr(sl_error(), part))
        fail_msg("\"%s\" is not in: %s", part, sl_error());
}

static const char *make_file(const char *name, const char *text, mode_t mode) {
    const char *path = sshd_path(&server, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

static void a_key_file_is_enough(void **state) {
    (void)state;
    assert_int_equal(try(), SL_OK);
}

static void a_key_that_is_not_allowed_is_refused(void **state) {
    (void)state;
    settings.key_file = sshd_path(&server, "stranger");
    assert_int_equal(try(), SL_EAUTH);
    expect_sentence("it takes publickey");
    expect_sentence("tried: the key ");
    expect_sentence("/stranger");
}

static void troubles_of_key_files_are_told_apart(void **state) {
    (void)state;
    settings.key_file = sshd_path(&server, "no-such-key");
    assert_int_equal(try(), SL_EINVAL); /* that is seen before anybody is asked */
    expect_sentence("No such file");
    settings.key_file = make_file("text", "not a key\n", 0600);
    assert_int_equal(try(), SL_EAUTH);
    expect_sentence("is not a private key");
    settings.key_file = make_file("empty", "", 0600);
    assert_int_equal(try(), SL_EAUTH);
    expect_sentence("is not a private key");
    settings.key_file = make_file(
        "torn", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\n", 0600);
    assert_int_equal(try(), SL_EAUTH);
    expect_sentence("is not a private key");
    chmod(sshd_path(&server, "id.pub"), 0644); /* as ssh-keygen makes it */
    settings.key_file = sshd_path(&server, "id.pub");
    assert_int_equal(try(), SL_EAUTH);
    expect_sentence("is a public key");
    settings.key_file = server.folder;
    assert_int_equal(try(), SL_EAUTH);
    expect_sentence("is not a file");
    settings.key_file = sshd_path(&server, "id");
    chmod(settings.key_file, 0644);
    assert_int_equal(try(), SL_EAUTH);
    expect_sentence("mode 0644");
    expect_sentence("chmod 600");
    chmod(settings.key_file, 0600);
}

static void a_passphrase_comes_from_its_file(void **state) {
    (void)state;
    static const char *const names[] = {"locked", "pem"};
    for (int i = 0; i < 2; i++) {
        settings.key_file = sshd_path(&server, names[i]);
        settings.passphrase_file = make_file("secret", SECRET "\n", 0600);
        if (try() != SL_OK)
            fail_msg("%s: %s", names[i], sl_error());
        settings.passphrase_file = make_file("secret", "wrong\n", 0600);
        assert_int_equal(try(), SL_EAUTH);
        expect_sentence("passphrase");
        expect_sentence("is wrong");
        settings.passphrase_file = sshd_path(&server, "no-such-file");
        assert_int_equal(try(), SL_EINVAL);
        expect_sentence("no-such-file");
    }
}

static void a_passphrase_is_asked_for(void **state) {
    (void)state;
    settings.key_file = sshd_path(&server, "locked");
    assert_int_equal(try(), SL_EAUTH);
    expect_sentence("has a passphrase");
    settings.ask = answer;
    said = SECRET;
    assert_int_equal(try(), SL_OK);
    assert_int_equal(questions, 1);
    expect_sentence("");
    assert_non_null(strstr(last_prompt, "/locked:"));
    said = "wrong";
    assert_int_equal(try(), SL_EAUTH);
    expect_sentence("is wrong");
    said = NULL;
    assert_int_equal(try(), SL_EAUTH);
}

static void the_usual_keys_are_tried(void **state) {
    (void)state;
    char command[256];
    settings.key_file = NULL;
    assert_int_equal(try(), SL_EAUTH);
    expect_sentence("tried: nothing");
    snprintf(command, sizeof(command),
             "cd %s && mkdir -p .ssh && cp stranger .ssh/id_ed25519 && cp id .ssh/id_ecdsa && "
             "cp pem .ssh/id_rsa",
             server.folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(try(), SL_OK);
    snprintf(command, sizeof(command), "cd %s && rm .ssh/id_ecdsa", server.folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(try(), SL_EAUTH); /* the last one has a passphrase */
    settings.ask = answer;
    said = SECRET;
    assert_int_equal(try(), SL_OK);
    assert_int_equal(questions, 1);
    snprintf(command, sizeof(command), "cd %s && rm -r .ssh", server.folder);
    assert_int_equal(system(command), 0);
}

static void an_agent_s_keys_are_tried(void **state) {
    (void)state;
    const char *path = sshd_path(&server, "agent");
    pid_t agent = fork();
    if (agent == 0) {
        close(STDOUT_FILENO);
        execl("/usr/bin/ssh-agent", "ssh-agent", "-D", "-a", path, (char *)NULL);
        _exit(127);
    }
    char endpoint[160];
    snprintf(endpoint, sizeof(endpoint), "ipc://%s", path);
    close(connect_endpoint(endpoint));
    settings.key_file = NULL;
    setenv("SSH_AUTH_SOCK", path, 1);
    assert_int_equal(try(), SL_EAUTH); /* it has none */
    expect_sentence("the agent's keys");
    run_program((const char *[]){"/usr/bin/ssh-add", "-q", sshd_path(&server, "stranger"), NULL});
    assert_int_equal(try(), SL_EAUTH);
    run_program((const char *[]){"/usr/bin/ssh-add", "-q", sshd_path(&server, "id"), NULL});
    assert_int_equal(try(), SL_OK);
    /* A key whose passphrase is not known here may be in the agent. */
    settings.key_file = sshd_path(&server, "locked");
    assert_int_equal(try(), SL_OK);
    kill(agent, SIGTERM);
    waitpid(agent, NULL, 0);
    assert_int_equal(try(), SL_EAUTH); /* nobody answers there any more */
}

/* The small server: a program beside this one. */
static pid_t start_small_server(const char *method, int *small_port) {
    char program[256], line[32] = "";
    int ends[2];
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 32);
    assert_true(length > 0);
    program[length] = '\0';
    strcpy(strrchr(program, '/'), "/tunnel/ssh-server");
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execl(program, program, sshd_path(&server, "host_ed25519"), SECRET, method, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    FILE *output = fdopen(ends[0], "re");
    assert_non_null(output);
    if (!fgets(line, sizeof(line), output))
        fail_msg("%s did not start", program);
    fclose(output);
    *small_port = atoi(line);
    return pid;
}

static void try_passwords(const char *method) {
    char destination[64], pin[80];
    int small_port;
    pid_t pid = start_small_server(method, &small_port);
    snprintf(destination, sizeof(destination), "someone@127.0.0.1:%d", small_port);
    snprintf(pin, sizeof(pin), "%s", fingerprint_of(sshd_path(&server, "host_ed25519.pub")));
    settings = (sl_tunnel_settings){
        .destination = destination, .host_key = pin, .connect_timeout_s = 60, .ask = answer};

    settings.password = SECRET;
    if (try() != SL_OK)
        fail_msg("%s: %s", method, sl_error());
    settings.password = "wrong";
    assert_int_equal(try(), SL_EAUTH);
    expect_sentence("someone@127.0.0.1");
    expect_sentence(method);
    settings.password = NULL;
    assert_int_equal(try(), SL_EAUTH);
    expect_sentence("--ssh-password-file");
    settings.password_file = make_file("password", SECRET "\n", 0600);
    assert_int_equal(try(), SL_OK);
    settings.password_file = sshd_path(&server, "no-such-file");
    assert_int_equal(try(), SL_EINVAL);
    expect_sentence("no-such-file");
    assert_int_equal(questions, 0);
    settings.password_file = "-";
    said = SECRET;
    assert_int_equal(try(), SL_OK);
    assert_string_equal(last_prompt, "Password of someone@127.0.0.1:");
    assert_int_equal(questions, 1);
    settings.ask = NULL;
    assert_int_equal(try(), SL_EAUTH);
    expect_sentence("nobody can be asked");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void passwords_are_given(void **state) {
    (void)state;
    try_passwords("password");
}

static void questions_are_answered_with_the_password(void **state) {
    (void)state;
    try_passwords("keyboard-interactive");
}

static void half_the_way_is_not_the_whole(void **state) {
    (void)state;
    struct sshd strict;
    sshd_start(&strict, "PasswordAuthentication yes\nAuthenticationMethods publickey,password");
    sshd_settings(&strict, &settings);
    assert_int_equal(try(), SL_EAUTH); /* the key was right, but it wants a password too */
    expect_sentence("it takes password");
    settings.password = "surely wrong";
    assert_int_equal(try(), SL_EAUTH);
    expect_sentence("the password");
    sshd_wait_log(&strict, "Partial publickey", 2);
    sshd_wait_log(&strict, "Failed password", 1);
    sshd_finish(&strict);
    setenv("HOME", server.folder, 1);
}

static void a_password_is_tried_when_the_key_is_of_no_use(void **state) {
    (void)state;
    static const char *const names[] = {"locked", "no-such-key"};
    struct sshd both;
    sshd_start(&both, "PasswordAuthentication yes");
    sshd_settings(&both, &settings);
    for (int i = 0; i < 2; i++) {
        settings.key_file = sshd_path(&server, names[i]);
        settings.password = "surely wrong";
        assert_int_equal(try(), SL_EAUTH);
        expect_sentence(names[i]);
        expect_sentence("tried: the password");
        sshd_wait_log(&both, "Failed password", 1 + i);
        settings.password = NULL;
        assert_int_equal(try(), i == 0 ? SL_EAUTH : SL_EINVAL);
        expect_sentence(names[i]);
        assert_null(strstr(sl_error(), "with the password"));
    }
    sshd_finish(&both);
    setenv("HOME", server.folder, 1);
}

static void too_many_tries_are_told(void **state) {
    (void)state;
    struct sshd strict;
    sshd_start(&strict, "MaxAuthTries 1");
    sshd_settings(&strict, &settings);
    settings.key_file = sshd_path(&server, "stranger");
    assert_int_equal(try(), SL_EAUTH);
    expect_sentence("too many");
    sshd_finish(&strict);
    setenv("HOME", server.folder, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_key_file_is_enough, set_up),
        cmocka_unit_test_setup(a_key_that_is_not_allowed_is_refused, set_up),
        cmocka_unit_test_setup(troubles_of_key_files_are_told_apart, set_up),
        cmocka_unit_test_setup(a_passphrase_comes_from_its_file, set_up),
        cmocka_unit_test_setup(a_passphrase_is_asked_for, set_up),
        cmocka_unit_test_setup(the_usual_keys_are_tried, set_up),
        cmocka_unit_test_setup(an_agent_s_keys_are_tried, set_up),
        cmocka_unit_test_setup(passwords_are_given, set_up),
        cmocka_unit_test_setup(questions_are_answered_with_the_password, set_up),
        cmocka_unit_test_setup(half_the_way_is_not_the_whole, set_up),
        cmocka_unit_test_setup(a_password_is_tried_when_the_key_is_of_no_use, set_up),
        cmocka_unit_test_setup(too_many_tries_are_told, set_up),
    };
    return cmocka_run_group_tests(tests, prepare, tidy);
}
