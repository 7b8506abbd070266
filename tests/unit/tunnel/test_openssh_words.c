/* What is made of what ssh says. */
#include "base/error.h"
#include "tunnel/openssh.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static const sl_tunnel_plan plan = {
    .name = "gadget",
    .destination = {.host = "gadget", .port = 22},
    .target_host = (char *)"127.0.0.1",
    .target_port = 5555,
};

static void hear(const char *line, sl_openssh_event event) {
    sl_openssh_words words = {0};
    if (sl_openssh_hear(&words, line) != event)
        fail_msg("%s", line);
    assert_int_equal(words.rank != 0, event == SL_OPENSSH_REFUSED);
}

static void follows_how_far_it_is(void **state) {
    (void)state;
    hear("debug1: Connecting to h [192.0.2.1] port 22.", SL_OPENSSH_RESOLVED);
    hear("debug1: Executing proxy command: exec nc h 22", SL_OPENSSH_RESOLVED);
    hear("debug1: Connection established.", SL_OPENSSH_CONNECTED);
    hear("debug1: Remote protocol version 2.0, remote software version x", SL_OPENSSH_CONNECTED);
    hear("debug1: SSH2_MSG_SERVICE_ACCEPT received", SL_OPENSSH_VERIFIED);
    hear("Authenticated to h ([192.0.2.1]:22) using \"publickey\".", SL_OPENSSH_LOGGED_IN);
    hear("Authenticated to h (via proxy) using \"publickey\".", SL_OPENSSH_LOGGED_IN);
    hear("debug1: Entering interactive session.", SL_OPENSSH_LISTENING);
    hear("debug1: channel 1: new direct-tcpip [direct-tcpip] (inactive timeout: 0)",
         SL_OPENSSH_ASKED);
    hear("debug1: channel 1: new [direct-tcpip]", SL_OPENSSH_ASKED);
    hear("debug1: channel 0: new unix-listener [unix listener] (inactive timeout: 0)",
         SL_OPENSSH_NOTHING);
    hear("debug2: channels.c:channel_input_open_confirmation():3518 (pid=9): channel 2: open "
         "confirm rwindow 2097152 rmax 32768",
         SL_OPENSSH_OPENED);
    hear("debug1: channel 1: free: direct-tcpip: listening port -2 for h port 1, nchannels 4",
         SL_OPENSSH_FREED);
    hear("channel 1: open failed: connect failed: Connection refused", SL_OPENSSH_UNHEARD);
    hear("channel 1: open failed: administratively prohibited: open failed", SL_OPENSSH_REFUSED);
    hear("channel 1: open failed: unknown channel type: ", SL_OPENSSH_REFUSED);
}

static void follows_what_becomes_of_the_port(void **state) {
    (void)state;
    hear("debug1: remote forward success for: listen *:0, connect /run/sl-1/link:-2",
         SL_OPENSSH_BOUND);
    hear("Allocated port 36685 for remote forward to /run/sl-1/link:-2", SL_OPENSSH_PICKED);
    hear("Warning: remote port forwarding failed for listen port 5555", SL_OPENSSH_DENIED);
    hear("debug1: channel 0: new forwarded-tcpip [192.0.2.7] (inactive timeout: 0)",
         SL_OPENSSH_NOTHING);
    hear("debug1: channel 0: connected to /run/sl-1/link port -2", SL_OPENSSH_JOINED);
    hear("debug1: channel 0: free: 192.0.2.7, nchannels 1", SL_OPENSSH_PARTED);
}

static void finds_facts_in_what_is_said(void **state) {
    (void)state;
    static const struct {
        const char *line;
        sl_tunnel_fact fact;
        const char *text;
    } told[] = {
        {"debug1: Connecting to h [2001:db8::1] port 22.", SL_TUNNEL_ADDRESS, "2001:db8::1"},
        {"debug1: Remote protocol version 2.0, remote software version Open_9 Debian-2",
         SL_TUNNEL_SERVER, "SSH-2.0-Open_9 Debian-2"},
        {"debug1: Server host key: ssh-ed25519 SHA256:ab/c", SL_TUNNEL_HOST_KEY, "SHA256:ab/c"},
        {"debug1: Authentications that can continue: publickey,password", SL_TUNNEL_METHODS,
         "publickey,password"},
    };
    sl_tunnel_fact fact;
    char text[64];
    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
        assert_true(sl_openssh_fact(told[i].line, &fact, text, sizeof(text)));
        assert_int_equal(fact, told[i].fact);
        assert_string_equal(text, told[i].text);
    }
    assert_false(sl_openssh_fact("Server host key: x SHA256:ab/c", &fact, text, sizeof(text)));
    assert_false(sl_openssh_fact("debug1: Connecting to h port 22.", &fact, text, sizeof(text)));
    assert_true(sl_openssh_fact(told[3].line, &fact, text, 4));
    assert_string_equal(text, "pub");
}

static void debugging_lines_are_no_failures(void **state) {
    (void)state;
    hear("debug1: connect to address 192.0.2.1 port 22: Connection refused", SL_OPENSSH_NOTHING);
    hear("debug1: Host key verification failed.", SL_OPENSSH_NOTHING);
    hear("", SL_OPENSSH_NOTHING);
}

/* The lines are heard in turn (the last is NULL); then the code and a word of the sentence. */
static void ends(int code, const char *word, const char *const lines[]) {
    sl_openssh_words words = {0};
    for (; *lines; lines++)
        sl_openssh_hear(&words, *lines);
    assert_int_equal(sl_openssh_fail(&words, &plan, false, 255 << 8), code);
    if (!strstr(sl_error(), word) || !strstr(sl_error(), "gadget"))
        fail_msg("no '%s' in: %s", word, sl_error());
}

#define CHANGED "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @"

#define ENDS(code, word, ...) ends(code, word, (const char *const[]){__VA_ARGS__, NULL})

static void turns_its_words_into_codes(void **state) {
    (void)state;
    ENDS(SL_EUNREACHABLE, "resolve hostname gadget",
         "ssh: Could not resolve hostname gadget: Name or service not known");
    ENDS(SL_EUNREACHABLE, "port 2: Connection refused",
         "ssh: connect to host gadget port 2: Connection refused");
    ENDS(SL_EUNREACHABLE, "firewall", "ssh: connect to host gadget port 22: Connection timed out");
    ENDS(SL_EUNREACHABLE, "banner", "Connection timed out during banner exchange",
         "Connection to 127.0.0.1 port 22 timed out");
    ENDS(SL_EUNREACHABLE, "invalid",
         "kex_exchange_identification: banner line contains invalid characters",
         "Connection closed by 127.0.0.1 port 80");
    ENDS(SL_EUNREACHABLE, "negotiate",
         "Unable to negotiate with 192.0.2.1 port 22: no matching cipher found. Their offer: x");
    ENDS(SL_EAUTH, "(publickey,password); give the right key with --ssh-key",
         "me@gadget: Permission denied (publickey,password).");
    ENDS(SL_EAUTH, "Too many",
         "Received disconnect from 192.0.2.1 port 22:2: Too many "
         "authentication failures",
         "Disconnected from 192.0.2.1 port 22");
    ENDS(SL_EAUTH, "id_bad", "Load key \"/home/me/id_bad\": error in libcrypto",
         "me@gadget: Permission denied (publickey).");
    ENDS(SL_EHOSTKEY, "showed SHA256:ab/c;", "debug1: Server host key: ssh-ed25519 SHA256:ab/c",
         "No ED25519 host key is known for gadget and you have requested strict checking.",
         "Host key verification failed.");
    ENDS(SL_EHOSTKEY, "strict checking",
         "No ED25519 host key is known for gadget and you have requested strict checking.",
         "Host key verification failed.");
    ENDS(SL_EHOSTKEY, "connect to gadget: WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED; the",
         CHANGED, "Host key verification failed.");
    ENDS(SL_EHOSTKEY, "remove the old key: ssh-keygen -R 'gadget'", CHANGED,
         "Host key for g'$(x)' has changed and you have requested strict checking.");
    ENDS(SL_EHOSTKEY, "ssh-keygen -R '[gadget]:2222' -f /home/me/.ssh/known_hosts", CHANGED,
         "Offending ED25519 key in /home/me/.ssh/known_hosts:5",
         "Host key for [gadget]:2222 has changed and you have requested strict checking.",
         "Host key verification failed.");
    ENDS(SL_EHOSTKEY, "host key type",
         "Unable to negotiate with 192.0.2.1 port 22: no matching host key type found.");
    ENDS(SL_EFORWARD, "AllowTcpForwarding",
         "channel 1: open failed: administratively prohibited: open failed");
    ENDS(SL_EINVAL, "foo", "/home/me/.ssh/config: line 3: Bad configuration option: foo",
         "/home/me/.ssh/config: terminating, 1 bad configuration options");
    ENDS(SL_ESYSTEM, "forwards a port", "bind [127.0.0.1]:8080: Address already in use",
         "channel_setup_fwd_listener_tcpip: cannot listen to port: 8080",
         "Could not request local forwarding.");
    ENDS(SL_EUNREACHABLE, "status 255", "something new");
}

static void a_cause_stays_whatever_follows(void **state) {
    (void)state;
    ENDS(SL_EAUTH, "middle", "me@middle: Permission denied (publickey).",
         "kex_exchange_identification: Connection closed by remote host",
         "Connection closed by UNKNOWN port 65535");
    ENDS(SL_EFORWARD, "jump host",
         "channel 0: open failed: administratively prohibited: open failed",
         "stdio forwarding failed", "Connection closed by UNKNOWN port 65535");
    ENDS(SL_EUNREACHABLE, "jump host", "channel 0: open failed: connect failed: Name unknown",
         "stdio forwarding failed");
}

static void says_how_a_connection_was_lost(void **state) {
    (void)state;
    sl_openssh_words words = {0};
    sl_openssh_hear(&words, "Timeout, server 192.0.2.1 not responding.");
    assert_int_equal(sl_openssh_fail(&words, &plan, true, 255 << 8), SL_EUNREACHABLE);
    assert_non_null(strstr(sl_error(), "lost: Timeout"));
    words = (sl_openssh_words){0};
    assert_int_equal(sl_openssh_fail(&words, &plan, true, 9), SL_EUNREACHABLE);
    assert_non_null(strstr(sl_error(), "signal 9"));
}

static void long_lines_are_cut(void **state) {
    (void)state;
    char line[4096];
    sl_openssh_words words = {0};
    memset(line, 'x', sizeof(line));
    memcpy(line, "Load key ", 9);
    memcpy(line + 3000, "Permission denied (publickey).", 31);
    sl_openssh_hear(&words, line);
    assert_int_equal(sl_openssh_fail(&words, &plan, false, 0), SL_EAUTH);
    assert_true(strlen(words.line) < sizeof(words.line));
}

static sl_tunnel_job job = {.socket_path = "/run/sl-1/link", .relay_path = "/run/sl-2/relay"};

static bool told(const sl_openssh_arguments *arguments, const char *word) {
    for (size_t i = 0; i < arguments->count; i++)
        if (strcmp(arguments->words[i], word) == 0)
            return true;
    return false;
}

static void tells_ssh_what_was_given_only(void **state) {
    (void)state;
    sl_openssh_arguments arguments;
    job.plan = plan;
    assert_int_equal(sl_openssh_arguments_fill(&arguments, &job, NULL), SL_OK);
    assert_true(told(&arguments, "/run/sl-1/link:127.0.0.1:5555"));
    assert_false(told(&arguments, "-p") || told(&arguments, "-l") || told(&arguments, "-i"));
    assert_string_equal(arguments.words[arguments.count - 1], "gadget");
    assert_null(arguments.words[arguments.count]);

    job.plan.destination.user_given = job.plan.destination.port_given = true;
    job.plan.target_host = (char *)"::1";
    job.plan.settings.key_file = "/keys/100% mine";
    assert_int_equal(sl_openssh_arguments_fill(&arguments, &job, NULL), SL_OK);
    assert_true(told(&arguments, "/run/sl-1/link:[::1]:5555"));
    assert_true(told(&arguments, "-p") && told(&arguments, "-l"));
    assert_true(told(&arguments, "/keys/100%% mine"));
}

static void asks_for_a_way_in(void **state) {
    (void)state;
    sl_openssh_arguments arguments;
    job.plan = plan;
    job.plan.target_host = (char *)"";
    job.plan.link_path = (char *)"/run/sl-2/link";
    assert_int_equal(sl_openssh_arguments_fill(&arguments, &job, NULL), SL_OK);
    assert_true(told(&arguments, "*:5555:/run/sl-2/relay"));
    assert_true(told(&arguments, "/run/sl-1/link:localhost:5555"));
    assert_true(told(&arguments, "ExitOnForwardFailure=no"));

    job.plan.target_host = (char *)"::1";
    job.plan.target_port = 0;
    assert_int_equal(sl_openssh_arguments_fill(&arguments, &job, NULL), SL_OK);
    assert_true(told(&arguments, "[::1]:0:/run/sl-2/relay"));
    assert_false(told(&arguments, "-L"));

    sl_tunnel_job misread = job;
    memcpy(misread.relay_path, "/run/a:b/relay", sizeof("/run/a:b/relay"));
    assert_int_equal(sl_openssh_arguments_fill(&arguments, &misread, NULL), SL_EINVAL);
}

static void names_jump_hosts_as_ssh_reads_them(void **state) {
    (void)state;
    sl_openssh_arguments arguments;
    job.plan = plan;
    job.plan.settings.destination = "gadget";
    job.plan.settings.jump = "one,me@two:2222,2001:db8::1,[::1]:22";
    assert_int_equal(sl_openssh_arguments_fill(&arguments, &job, NULL), SL_OK);
    assert_true(told(&arguments, "ProxyJump=one,me@two:2222,[2001:db8::1],[::1]:22"));

    static const char *const wrong[] = {"a%h", "$(x)@host", "a;b@host", "one,fe80::1%eth0"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        job.plan.settings.jump = wrong[i];
        assert_int_equal(sl_openssh_arguments_fill(&arguments, &job, NULL), SL_EINVAL);
    }
}

static void refuses_what_ssh_would_misread(void **state) {
    (void)state;
    static const char *const paths[] = {"/a\"b", "/${HOME}/x", "/a\\b", "/a\nProxyCommand x"};
    sl_openssh_arguments arguments;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        job.plan = plan;
        job.plan.settings.known_hosts = paths[i];
        assert_int_equal(sl_openssh_arguments_fill(&arguments, &job, NULL), SL_EINVAL);
    }
    job.plan = plan;
    job.plan.target_host = (char *)"/run/docker.sock";
    assert_int_equal(sl_openssh_arguments_fill(&arguments, &job, NULL), SL_EINVAL);

    static char huge[20000];
    memset(huge, 'x', sizeof(huge) - 1);
    job.plan = plan;
    job.plan.settings.ssh_config = huge;
    assert_int_equal(sl_openssh_arguments_fill(&arguments, &job, NULL), SL_EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_how_far_it_is),
        cmocka_unit_test(follows_what_becomes_of_the_port),
        cmocka_unit_test(finds_facts_in_what_is_said),
        cmocka_unit_test(debugging_lines_are_no_failures),
        cmocka_unit_test(turns_its_words_into_codes),
        cmocka_unit_test(a_cause_stays_whatever_follows),
        cmocka_unit_test(says_how_a_connection_was_lost),
        cmocka_unit_test(long_lines_are_cut),
        cmocka_unit_test(tells_ssh_what_was_given_only),
        cmocka_unit_test(asks_for_a_way_in),
        cmocka_unit_test(names_jump_hosts_as_ssh_reads_them),
        cmocka_unit_test(refuses_what_ssh_would_misread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
