/* tunnel: logging in. Used by the libssh back-end.
 *
 * Methods are tried in a fixed order as long as the server offers them; one that brought us half
 * the way (a server may want a key and a password) starts the round again with the rest. */
#include "tunnel/auth.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/settings.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ROUNDS_MOST  8  /* of questions in keyboard-interactive */
#define PROMPTS_MOST 16 /* in one of them */

struct log_in {
    sl_session *session;
    sl_identity *identity;
    const char *password; /* the one to try now; NULL: none */
    ssh_key key;          /* the one to try now; borrowed */
    char tried[256];      /* for the sentence */
    char trouble[512];    /* why the key that was asked for can't be used; "": it can */
};

/* What a step came to; beside it, negative codes that end the log-in. */
enum outcome { ACCEPTED, HALF_WAY, REFUSED, NOTHING_TO_TRY, QUESTIONS };

static void note(struct log_in *log_in, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void note(struct log_in *log_in, const char *format, ...) {
    va_list arguments;
    size_t length = strlen(log_in->tried);
    va_start(arguments, format);
    if (length > 0)
        length += (size_t)snprintf(log_in->tried + length, sizeof(log_in->tried) - length, ", ");
    if (length < sizeof(log_in->tried))
        vsnprintf(log_in->tried + length, sizeof(log_in->tried) - length, format, arguments);
    va_end(arguments);
}

static int fail_ended(struct log_in *log_in) {
    const char *error = ssh_get_error(log_in->session->ssh);
    const char *name = log_in->session->job->plan.name;
    if (strstr(error, "Too many authentication failures"))
        return sl_fail(SL_EAUTH,
                       "%s refused the log-in after too many attempts (%s); give the "
                       "right key with --ssh-key",
                       name, log_in->tried[0] ? log_in->tried : "none");
    return sl_session_fail_log_in(log_in->session);
}

/* Calls one of libssh's methods until it has an answer. */
static int settle(struct log_in *log_in, int (*call)(struct log_in *log_in)) {
    int64_t deadline_us =
        sl_deadline_us(1000 * log_in->session->job->plan.settings.connect_timeout_s);
    for (;;) {
        int result = call(log_in);
        switch (result) {
        case SSH_AUTH_SUCCESS:
            return ACCEPTED;
        case SSH_AUTH_PARTIAL:
            return HALF_WAY;
        case SSH_AUTH_DENIED:
            return REFUSED;
        case SSH_AUTH_INFO:
            return QUESTIONS;
        case SSH_AUTH_AGAIN: /* also when nothing can come any more */
            if (sl_session_lost(log_in->session))
                return fail_ended(log_in);
            break;
        default:
            return sl_session_lost(log_in->session) ? fail_ended(log_in) : REFUSED;
        }
        int code = sl_session_wait(log_in->session, deadline_us);
        if (code < 0)
            return code;
    }
}

static int call_none(struct log_in *log_in) {
    return ssh_userauth_none(log_in->session->ssh, NULL);
}

static int call_agent(struct log_in *log_in) {
    return ssh_userauth_agent(log_in->session->ssh, NULL);
}

static int call_key(struct log_in *log_in) {
    return ssh_userauth_publickey(log_in->session->ssh, NULL, log_in->key);
}

static int call_offer_key(struct log_in *log_in) {
    return ssh_userauth_try_publickey(log_in->session->ssh, NULL, log_in->key);
}

static int call_password(struct log_in *log_in) {
    return ssh_userauth_password(log_in->session->ssh, NULL, log_in->password);
}

static int call_questions(struct log_in *log_in) {
    return ssh_userauth_kbdint(log_in->session->ssh, NULL, NULL);
}

static bool worked(int outcome) {
    return outcome == ACCEPTED || outcome == HALF_WAY;
}

static int connect_agent(void) {
    const char *path = getenv("SSH_AUTH_SOCK");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path || !path[0] || strlen(path) >= sizeof(address.sun_path))
        return -1;
    memcpy(address.sun_path, path, strlen(path) + 1);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor >= 0 && connect(descriptor, (struct sockaddr *)&address, sizeof(address)) < 0) {
        sl_log(SL_LOG_DEBUG, "tunnel", "no agent at %s: %s", path, strerror(errno));
        close(descriptor);
        return -1;
    }
    return descriptor;
}

/* Who owns the tunnel may shut `descriptor` down, which ends libssh's waiting for the agent. */
static void share_agent(sl_tunnel_job *job, int descriptor) {
    pthread_mutex_lock(&job->lock);
    job->agent_fd = descriptor;
    pthread_mutex_unlock(&job->lock);
}

/* The agent's keys. libssh waits for the agent's answers, which may need a person's finger. */
static int try_agent(struct log_in *log_in) {
    sl_tunnel_job *job = log_in->session->job;
    int descriptor = connect_agent();
    if (descriptor < 0)
        return NOTHING_TO_TRY;
    int ours = fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
    if (ours < 0 || ssh_set_agent_socket(log_in->session->ssh, descriptor) != SSH_OK) {
        close(descriptor);
        if (ours >= 0)
            close(ours);
        return NOTHING_TO_TRY;
    }
    share_agent(job, ours);
    note(log_in, "the agent's keys");
    int outcome = sl_cancel_triggered(job->stop) ? SL_ECANCELED : settle(log_in, call_agent);
    share_agent(job, -1);
    close(ours);
    return outcome;
}

/* Tries a key, and keeps it if it was accepted. */
static int try_key(struct log_in *log_in, ssh_key key, const char *path) {
    sl_identity *identity = log_in->identity;
    log_in->key = key;
    int outcome = settle(log_in, call_key);
    if (worked(outcome) && identity->key != key) {
        identity->key = key;
        snprintf(identity->key_path, sizeof(identity->key_path), "%s", path);
    } else if (identity->key != key) {
        ssh_key_free(key);
    }
    log_in->key = NULL;
    return outcome;
}

/* Whether the server would take the key at `path`, as far as its public half tells: asking a
 * person for the passphrase of a key that is of no use is a nuisance. */
static bool wanted(struct log_in *log_in, const char *path) {
    char public_path[520];
    ssh_key key = NULL;
    snprintf(public_path, sizeof(public_path), "%s.pub", path);
    if (ssh_pki_import_pubkey_file(public_path, &key) != SSH_OK)
        return true;
    log_in->key = key;
    int outcome = settle(log_in, call_offer_key);
    log_in->key = NULL;
    ssh_key_free(key);
    return outcome == ACCEPTED;
}

static int try_usual_keys(struct log_in *log_in) {
    static const char *const names[] = {".ssh/id_ed25519", ".ssh/id_ecdsa", ".ssh/id_rsa"};
    int outcome = NOTHING_TO_TRY;
    for (size_t i = 0; i < SL_COUNT(names); i++) {
        char path[512];
        ssh_key key;
        if (sl_home_path(path, sizeof(path), names[i]) < 0)
            continue;
        sl_key_trouble trouble = sl_identity_read_key(log_in->identity, path, false, &key);
        if (trouble == SL_KEY_ENCRYPTED && log_in->identity->plan->settings.ask &&
            wanted(log_in, path))
            trouble = sl_identity_read_key(log_in->identity, path, true, &key);
        if (trouble == SL_KEY_MISSING)
            continue;
        if (trouble != SL_KEY_FINE) {
            sl_log(SL_LOG_INFO, "tunnel", "%s", sl_error());
            note(log_in, "not %s (no use)", path);
            continue;
        }
        note(log_in, "%s", path);
        outcome = try_key(log_in, key, path);
        if (outcome != REFUSED)
            return outcome;
    }
    return outcome;
}

static int try_key_file(struct log_in *log_in, const char *path) {
    const sl_tunnel_settings *settings = &log_in->identity->plan->settings;
    ssh_key key;
    sl_key_trouble trouble = sl_identity_read_key(log_in->identity, path, true, &key);
    if (trouble == SL_KEY_FINE) {
        note(log_in, "the key %s", path);
        return try_key(log_in, key, path);
    }
    snprintf(log_in->trouble, sizeof(log_in->trouble), "%s", sl_error());
    if (trouble == SL_KEY_ENCRYPTED) {
        /* The agent may hold it unlocked. */
        int outcome = try_agent(log_in);
        if (outcome < 0 || worked(outcome))
            return outcome;
    }
    if (!settings->password && !settings->password_file)
        return SL_EAUTH;
    sl_log(SL_LOG_WARNING, "tunnel", "%s", log_in->trouble);
    return NOTHING_TO_TRY;
}

static int try_keys(struct log_in *log_in) {
    sl_identity *identity = log_in->identity;
    if (identity->key) {
        note(log_in, "the key %s", identity->key_path);
        return try_key(log_in, identity->key, identity->key_path);
    }
    if (identity->plan->settings.key_file)
        return try_key_file(log_in, identity->plan->settings.key_file);
    int outcome = try_agent(log_in);
    if (outcome < 0 || worked(outcome))
        return outcome;
    int usual = try_usual_keys(log_in);
    return usual == NOTHING_TO_TRY ? outcome : usual;
}

static int try_password(struct log_in *log_in) {
    int code = sl_identity_password(log_in->identity, &log_in->password);
    if (code < 0)
        return code;
    if (!log_in->password)
        return NOTHING_TO_TRY;
    note(log_in, "the password");
    return settle(log_in, call_password);
}

/* Answers one question: the first hidden one of all with the password, others by asking. */
static int answer_prompt(struct log_in *log_in, unsigned number, bool *password_given) {
    ssh_session ssh = log_in->session->ssh;
    char echo = 0, prompt[512], answer[SL_SECRET_MAX];
    const char *text = ssh_userauth_kbdint_getprompt(ssh, number, &echo);
    if (!echo && !*password_given) {
        *password_given = true;
        ssh_userauth_kbdint_setanswer(ssh, number, log_in->password);
        return SL_OK;
    }
    /* Whose question it is comes first, or a server could ask for a key's passphrase. */
    snprintf(prompt, sizeof(prompt), "%s asks: %s", log_in->session->job->plan.name,
             text ? text : "");
    sl_text_harmless(prompt);
    int code = sl_identity_ask(log_in->identity, prompt, echo, answer, sizeof(answer));
    if (code == SL_OK)
        ssh_userauth_kbdint_setanswer(ssh, number, answer);
    explicit_bzero(answer, sizeof(answer));
    return code;
}

static int try_questions(struct log_in *log_in) {
    ssh_session ssh = log_in->session->ssh;
    bool password_given = false;
    int code = sl_identity_password(log_in->identity, &log_in->password);
    if (code < 0)
        return code;
    if (!log_in->password)
        return NOTHING_TO_TRY;
    note(log_in, "answering its questions with the password");
    int outcome = settle(log_in, call_questions);
    for (int round = 0; outcome == QUESTIONS; round++) {
        int prompts = ssh_userauth_kbdint_getnprompts(ssh);
        if (round == ROUNDS_MOST || prompts < 0 || prompts > PROMPTS_MOST)
            return sl_fail(SL_EAUTH, "%s asks too many questions", log_in->session->job->plan.name);
        for (int i = 0; i < prompts; i++) {
            code = answer_prompt(log_in, (unsigned)i, &password_given);
            if (code < 0)
                return code;
        }
        outcome = settle(log_in, call_questions);
    }
    return outcome;
}

static const struct method {
    unsigned bit;
    const char *name;
    int (*attempt)(struct log_in *log_in);
} methods[] = {
    {SSH_AUTH_METHOD_PUBLICKEY, "publickey", try_keys},
    {SSH_AUTH_METHOD_PASSWORD, "password", try_password},
    {SSH_AUTH_METHOD_INTERACTIVE, "keyboard-interactive", try_questions},
};
#define METHODS SL_COUNT(methods)

static void name_methods(unsigned offered, char *names, size_t size) {
    names[0] = '\0';
    for (size_t i = 0; i < METHODS; i++)
        if (offered & methods[i].bit)
            snprintf(names + strlen(names), size - strlen(names), "%s%s", names[0] ? ", " : "",
                     methods[i].name);
}

static void tell_methods(const sl_tunnel_job *job, unsigned offered) {
    char names[128];
    name_methods(offered, names, sizeof(names));
    sl_tunnel_tell(job, SL_TUNNEL_METHODS, names);
}

static int refuse(const struct log_in *log_in, unsigned offered) {
    const sl_tunnel_settings *settings = &log_in->identity->plan->settings;
    char names[128];
    const char *advice = "is that user allowed in, and is the key in its authorized_keys?";
    name_methods(offered, names, sizeof(names));
    if (log_in->session->job->plan.jump)
        advice = "it is a jump host: give its key with --ssh-key or ssh_jump_keys, or have its "
                 "password asked for with --ssh-password-file -";
    else if (sl_session_is_gate(log_in->session))
        advice = "it is a viewer's gate, and does not let this key in (any more): `sightline pair` "
                 "there makes an invitation for `sightline send --join` here";
    else if (!log_in->tried[0])
        advice = offered & SSH_AUTH_METHOD_PUBLICKEY
                     ? "give a key with --ssh-key or a password with --ssh-password-file"
                     : "give a password with --ssh-password-file";
    else if (settings->key_file && !(offered & SSH_AUTH_METHOD_PUBLICKEY))
        advice = "it does not take keys; give a password with --ssh-password-file";
    return sl_fail(SL_EAUTH, "%s refused the log-in; it takes %s; tried: %s; %s",
                   log_in->session->job->plan.name, names[0] ? names : "nothing that is known here",
                   log_in->tried[0] ? log_in->tried : "nothing, for want of a key or password",
                   advice);
}

/* Says why the key could not be used, and what became of the password if there was one. */
static int fail_both(const struct log_in *log_in) {
    const sl_tunnel_settings *settings = &log_in->identity->plan->settings;
    char other[512];
    if (!settings->password && !settings->password_file)
        return sl_fail(SL_EAUTH, "%s", log_in->trouble);
    snprintf(other, sizeof(other), "%s", sl_error());
    return sl_fail(SL_EAUTH, "%s; and with the password: %s", log_in->trouble, other);
}

/* One go at everything that is offered and was not tried before. */
static int try_methods(struct log_in *log_in, unsigned *offered, unsigned *tried) {
    for (size_t i = 0; i < METHODS; i++) {
        if (!(*offered & methods[i].bit) || (*tried & methods[i].bit))
            continue;
        *tried |= methods[i].bit;
        int outcome = methods[i].attempt(log_in);
        if (outcome == HALF_WAY)
            *offered = (unsigned)ssh_userauth_list(log_in->session->ssh, NULL);
        if (outcome < 0 || worked(outcome))
            return outcome;
    }
    return REFUSED;
}

int sl_authenticate(sl_session *session, sl_identity *identity) {
    struct log_in log_in = {.session = session, .identity = identity};
    unsigned tried = 0;
    int outcome = settle(&log_in, call_none);
    char *greeting = ssh_get_issue_banner(session->ssh);
    if (greeting)
        sl_log(SL_LOG_DEBUG, "tunnel", "the server says: %s", greeting);
    ssh_string_free_char(greeting);

    unsigned offered = (unsigned)ssh_userauth_list(session->ssh, NULL);
    tell_methods(session->job, offered);
    while (outcome == HALF_WAY || (outcome == REFUSED && tried == 0)) {
        unsigned before = tried;
        outcome = try_methods(&log_in, &offered, &tried);
        if (tried == before)
            break;
    }
    if (outcome >= 0)
        outcome = outcome == ACCEPTED ? SL_OK : refuse(&log_in, offered);
    return outcome == SL_EAUTH && log_in.trouble[0] ? fail_both(&log_in) : outcome;
}
