/* Accepting invitations at a gate, and guessing at them. */
#include "tunnel/join.h"
#include "base/error.h"
#include "base/file.h"
#include "tunnel/authorized.h"
#include "tunnel/gate.h"
#include "tunnel/invited.h"
#include "tunnel/joiner.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define LINK_PORT 5555
#define RIVALS    6
#define GUESSES   1000
#define A_SESSION 100 /* guesses */

static char folder[] = "/tmp/sl-join-XXXXXX";
static char keys[64];
static sl_gate *gate;
static sl_gate_place place;
static ssh_key own;

static int open_gate(int places) {
    sl_gate_target target = {.address = NULL, .port = LINK_PORT};
    sl_gate_settings settings = {.listen = "127.0.0.1:0",
                                 .authorized_keys = keys,
                                 .max_connections = places,
                                 .max_per_key = 20,
                                 .max_unauthenticated = 20,
                                 .max_attempts = A_SESSION,
                                 .login_timeout_s = 60,
                                 .buffer_kib = 64};
    assert_non_null(mkdtemp(folder));
    setenv("HOME", folder, 1);
    setenv("XDG_STATE_HOME", folder, 1);
    snprintf(keys, sizeof(keys), "%s/keys", folder);
    assert_int_equal(ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &own), SSH_OK);
    if (sl_gate_open(&gate, &settings, &target, NULL) != SL_OK)
        fail_msg("%s", sl_error());
    sl_gate_place_get(gate, &place);
    return 0;
}

static int set_up(void **state) {
    (void)state;
    return open_gate(20);
}

static int set_up_for_two(void **state) {
    (void)state;
    return open_gate(2);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *at) {
    (void)status, (void)kind, (void)at;
    return remove(path);
}

static int tear_down(void **state) {
    (void)state;
    sl_gate_close(&gate, 0);
    ssh_key_free(own);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    return 0;
}

static sl_invitation_parts invite(ssh_key *token) {
    sl_invitation_parts parts = {.host = "127.0.0.1", .port = place.port, .link_port = LINK_PORT};
    snprintf(parts.host_key, sizeof(parts.host_key), "%s", place.host_key);
    assert_int_equal(sl_token_make(parts.token, token), SL_OK);
    assert_int_equal(sl_invited_add(*token), SL_OK);
    return parts;
}

static bool let_in(void) {
    const sl_gate_target link = {.address = NULL, .port = LINK_PORT};
    char comment[64];
    return sl_authorized_look(keys, &link, own, comment, sizeof(comment)) == SL_OK;
}

static void the_key_is_handed_over_once(void **state) {
    ssh_key token;
    struct stat status;
    (void)state;
    sl_invitation_parts parts = invite(&token);
    assert_false(let_in());
    if (sl_join(&parts, own, "porch", NULL) != SL_OK)
        fail_msg("%s", sl_error());
    assert_true(let_in());
    assert_int_equal(stat(keys, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(sl_join(&parts, own, "porch", NULL), SL_EAUTH);
    assert_non_null(strstr(sl_error(), "used already"));
    assert_int_equal(sl_invited_take(token), SL_EAUTH);
    ssh_key_free(token);
}

static void another_host_key_is_told_nothing(void **state) {
    ssh_key token;
    (void)state;
    sl_invitation_parts parts = invite(&token);
    parts.host_key[10] = parts.host_key[10] == 'A' ? 'B' : 'A';
    assert_int_equal(sl_join(&parts, own, "porch", NULL), SL_EHOSTKEY);
    assert_false(let_in());
    assert_int_equal(sl_invited_look(token), SL_OK);
    ssh_key_free(token);
}

/* Its public half is known to the gate, and the other is another's. */
static void a_mistyped_invitation_is_told_from_a_stuck_viewer(void **state) {
    ssh_key token;
    (void)state;
    sl_invitation_parts parts = invite(&token);
    parts.token[0] = parts.token[0] == 'A' ? 'B' : 'A';
    assert_int_equal(sl_join(&parts, own, "porch", NULL), SL_EUNREACHABLE);
    assert_non_null(strstr(sl_error(), "may be damaged"));
    assert_int_equal(sl_invited_look(token), SL_OK);
    ssh_key_free(token);
}

/* The one file of an invitation, as old as this. */
static void make_older(long seconds) {
    char command[256];
    snprintf(command, sizeof(command), "touch -d @%ld %s/sightline/invitations/*",
             (long)time(NULL) - seconds, folder);
    assert_int_equal(system(command), 0);
}

static void an_invitation_grows_old(void **state) {
    ssh_key token;
    (void)state;
    sl_invitation_parts parts = invite(&token);
    make_older(SL_INVITED_S + 1);
    assert_int_equal(sl_join(&parts, own, "porch", NULL), SL_EAUTH);
    assert_non_null(strstr(sl_error(), "older than 10 minutes"));
    make_older(-3600); /* the clock was set back */
    assert_int_equal(sl_invited_look(token), SL_EAUTH);
    make_older(SL_INVITED_S - 60);
    assert_int_equal(sl_join(&parts, own, "porch", NULL), SL_OK);
    make_older(2 * 24 * 3600);
    ssh_key second;
    invite(&second);
    assert_int_equal(sl_invited_look(token), SL_EAUTH);
    assert_non_null(strstr(sl_error(), "not known"));
    ssh_key_free(token);
    ssh_key_free(second);
}

struct rival {
    pthread_t thread;
    const sl_invitation_parts *parts;
    ssh_key key;
    int code;
};

static void *contend(void *argument) {
    struct rival *rival = argument;
    rival->code = sl_join(rival->parts, rival->key, "rival", NULL);
    return NULL;
}

static void of_many_at_once_one_wins(void **state) {
    struct rival rivals[RIVALS];
    ssh_key token;
    int winners = 0;
    (void)state;
    sl_invitation_parts parts = invite(&token);
    for (int i = 0; i < RIVALS; i++) {
        rivals[i].parts = &parts;
        assert_int_equal(ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &rivals[i].key), SSH_OK);
        assert_int_equal(pthread_create(&rivals[i].thread, NULL, contend, &rivals[i]), 0);
    }
    for (int i = 0; i < RIVALS; i++) {
        pthread_join(rivals[i].thread, NULL);
        assert_true(rivals[i].code == SL_OK || rivals[i].code == SL_EAUTH);
        winners += rivals[i].code == SL_OK;
        ssh_key_free(rivals[i].key);
    }
    assert_int_equal(winners, 1);
    ssh_key_free(token);
}

static ssh_session connect_bare(void) {
    ssh_session ssh = ssh_new();
    bool off = false;
    assert_non_null(ssh);
    ssh_options_set(ssh, SSH_OPTIONS_PROCESS_CONFIG, &off);
    ssh_options_set(ssh, SSH_OPTIONS_HOST, "127.0.0.1");
    ssh_options_set(ssh, SSH_OPTIONS_PORT, &place.port);
    assert_int_equal(ssh_connect(ssh), SSH_OK);
    return ssh;
}

static int connect_plainly(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)place.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(descriptor >= 0);
    assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
    return descriptor;
}

static void guessing_opens_nothing(void **state) {
    char user[SL_JOINER_MAX];
    ssh_key token;
    (void)state;
    sl_invitation_parts parts = invite(&token);
    assert_int_equal(sl_joiner_write(user, own, "guess"), SL_OK);
    for (int done = 0; done < GUESSES; done += A_SESSION) {
        ssh_session ssh = connect_bare();
        for (int i = 0; i < A_SESSION; i++) {
            ssh_key guess;
            assert_int_equal(ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &guess), SSH_OK);
            int result = ssh_userauth_publickey(ssh, user, guess);
            assert_true(result == SSH_AUTH_DENIED || result == SSH_AUTH_ERROR);
            ssh_key_free(guess);
        }
        ssh_disconnect(ssh);
        ssh_free(ssh);
    }
    assert_false(let_in());
    assert_int_equal(sl_join(&parts, own, "porch", NULL), SL_OK);
    ssh_key_free(token);
}

/* The token stands for one thing: a name without a key, or a usual one, gets nothing by it. */
static void a_token_is_no_key(void **state) {
    static const char *const users[] = {"root", "join:", "join:x"};
    ssh_key token;
    (void)state;
    invite(&token);
    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
        ssh_session ssh = connect_bare();
        assert_int_equal(ssh_userauth_publickey(ssh, users[i], token), SSH_AUTH_DENIED);
        ssh_disconnect(ssh);
        ssh_free(ssh);
    }
    assert_int_equal(sl_invited_look(token), SL_OK);
    ssh_key_free(token);
}

static void a_gate_that_can_not_keep_keys(void **state) {
    ssh_key token;
    (void)state;
    sl_invitation_parts parts = invite(&token);
    assert_int_equal(sl_file_replace(keys, "", 0), SL_OK);
    assert_int_equal(chmod(keys, 0666), 0);
    assert_int_equal(sl_join(&parts, own, "porch", NULL), SL_EAUTH);
    assert_non_null(strstr(sl_error(), "its own log says why"));
    assert_int_equal(chmod(keys, 0600), 0); /* and the invitation is as good as before */
    assert_int_equal(sl_join(&parts, own, "porch", NULL), SL_OK);
    ssh_key_free(token);
}

/* Waits until both places of the gate are taken, which it then tells everybody who comes. */
static void await_no_room(void) {
    char byte;
    for (bool greeted = true; greeted;) {
        int probe = connect_plainly();
        greeted = recv(probe, &byte, 1, 0) == 1;
        close(probe);
    }
}

struct joining {
    ssh_session ssh;
    char user[SL_JOINER_MAX];
    ssh_key token;
    int result;
};

static void *join_bare(void *argument) {
    struct joining *joining = argument;
    joining->result = ssh_userauth_publickey(joining->ssh, joining->user, joining->token);
    return NULL;
}

/* A change of the file ends who is in no more, and not who is just being written into it. */
static void who_joins_stays_though_the_file_changes(void **state) {
    char path[64], line[256], *encoded, byte;
    struct joining joining = {0};
    pthread_t thread;
    int lock;
    (void)state;
    assert_int_equal(ssh_pki_export_pubkey_base64(own, &encoded), SSH_OK);
    int length = snprintf(line, sizeof(line), "ssh-ed25519 %s\n", encoded);
    ssh_string_free_char(encoded);
    assert_int_equal(sl_file_replace(keys, line, (size_t)length), SL_OK);
    ssh_session insider = connect_bare();
    assert_int_equal(ssh_userauth_publickey(insider, "camera", own), SSH_AUTH_SUCCESS);
    assert_int_equal(sl_state_path(path, sizeof(path), "authorized_keys.lock"), SL_OK);
    assert_int_equal(sl_file_lock(&lock, path), SL_OK);

    ssh_key key;
    invite(&joining.token);
    assert_int_equal(ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key), SSH_OK);
    assert_int_equal(sl_joiner_write(joining.user, key, "porch"), SL_OK);
    joining.ssh = connect_bare();
    pthread_create(&thread, NULL, join_bare, &joining);
    await_no_room();
    assert_int_equal(sl_file_replace(keys, "", 0), SL_OK);
    struct pollfd polled = {.fd = ssh_get_fd(insider), .events = POLLIN};
    do /* it is looked at after who came later */
        assert_int_equal(poll(&polled, 1, 60000), 1);
    while (recv(polled.fd, &byte, 1, 0) > 0);
    close(lock);
    pthread_join(thread, NULL);
    assert_int_equal(joining.result, SSH_AUTH_SUCCESS);
    ssh_channel channel = ssh_channel_new(joining.ssh);
    ssh_channel_open_forward(channel, "localhost", LINK_PORT, "127.0.0.1", 1); /* to no link */
    assert_true(ssh_is_connected(joining.ssh));

    ssh_free(joining.ssh);
    ssh_free(insider);
    ssh_key_free(joining.token);
    ssh_key_free(key);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_key_is_handed_over_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_host_key_is_told_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_mistyped_invitation_is_told_from_a_stuck_viewer, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_invitation_grows_old, set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_many_at_once_one_wins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(guessing_opens_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_token_is_no_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_gate_that_can_not_keep_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_joins_stays_though_the_file_changes, set_up_for_two,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
