/* tunnel: what ssh says, in its English, and what that means for us. Pure: knows no process. */
#include "base/error.h"
#include "base/settings.h"
#include "tunnel/openssh.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define START true /* the line begins so; elsewhere it may stand anywhere in it */

/* How far ssh is. */
static const struct {
    const char *words;
    bool start;
    sl_openssh_event event;
} steps[] = {
    {"debug1: Connecting to ", START, SL_OPENSSH_RESOLVED},
    {"debug1: Executing proxy ", START, SL_OPENSSH_RESOLVED},
    {"debug1: Connection established", START, SL_OPENSSH_CONNECTED},
    {"debug1: Remote protocol version", START, SL_OPENSSH_CONNECTED},
    {"debug1: SSH2_MSG_SERVICE_ACCEPT received", START, SL_OPENSSH_VERIFIED},
    {"Authenticated to ", START, SL_OPENSSH_LOGGED_IN},
    {"debug1: Entering interactive session", START, SL_OPENSSH_LISTENING},
    {"debug1: remote forward success for: ", START, SL_OPENSSH_BOUND},
    {"Allocated port ", START, SL_OPENSSH_PICKED},
    {"Warning: remote port forwarding failed for ", START, SL_OPENSSH_DENIED},
    {": new direct-tcpip", false, SL_OPENSSH_ASKED},
    {": new [direct-tcpip]", false, SL_OPENSSH_ASKED}, /* before 9.2 */
    {": open confirm rwindow", false, SL_OPENSSH_OPENED},
    {": free: direct-tcpip", false, SL_OPENSSH_FREED},
    {": connected to ", false, SL_OPENSSH_JOINED},
    {": free: ", false, SL_OPENSSH_PARTED},
    {": open failed: connect failed", false, SL_OPENSSH_UNHEARD},
    {": open failed: ", false, SL_OPENSSH_REFUSED},
};

/* Why it ends. The greater the rank, the more it says: what follows from a cause may be said
 * after it, by a jump host even before. */
enum { CONSEQUENCE = 1, SYMPTOM, CAUSE };

static const char log_in_advice[] =
    "give the right key with --ssh-key or put it into the agent, and its public half into "
    "authorized_keys there; ssh runs without asking for passwords or passphrases";
static const char unknown_advice[] =
    "compare the fingerprint with the server's, then connect once by hand with ssh, or give it "
    "with --ssh-host-key";
static const char changed_advice[] =
    "the host key has changed: either the server was set up again or somebody is in between; "
    "ask its administrator, then remove the old key: ssh-keygen -R ";
static const char closed_advice[] = "is the SSH server running, and on that port?";
static const char silent_advice[] =
    "is the host on, does a firewall let the port through, is an SSH server there?";
static const char greeting_advice[] = "is it an SSH server, and does it let this host in?";
static const char path_advice[] = "check the network and the address";
static const char forwards_advice[] =
    "the configuration of ssh forwards a port of its own for this host, which is in use";
static const char settings_advice[] = "correct the configuration of ssh";

static const struct {
    const char *words;
    int rank;
    int code;
    const char *advice;
} ends[] = {
    {"REMOTE HOST IDENTIFICATION HAS CHANGED", CAUSE, SL_EHOSTKEY, changed_advice},
    {"REVOKED HOST KEY DETECTED", CAUSE, SL_EHOSTKEY, changed_advice},
    {"host key is known for", CAUSE, SL_EHOSTKEY, unknown_advice},
    {"no matching host key type", CAUSE, SL_EHOSTKEY, unknown_advice},
    {"Host key verification failed", SYMPTOM, SL_EHOSTKEY, unknown_advice},
    {"Permission denied (", CAUSE, SL_EAUTH, log_in_advice},
    {"Too many authentication failures", CAUSE, SL_EAUTH, log_in_advice},
    {"Bad configuration option", CAUSE, SL_EINVAL, settings_advice},
    {"Can't open user config file", CAUSE, SL_EINVAL, settings_advice},
    {"Bad owner or permissions", CAUSE, SL_EINVAL, settings_advice},
    {"bad configuration options", SYMPTOM, SL_EINVAL, settings_advice},
    {": open failed: connect failed", CAUSE, SL_EUNREACHABLE, "its jump host cannot reach it"},
    {": open failed: ", CAUSE, SL_EFORWARD, "its jump host does not allow forwarding to it"},
    {"Could not resolve hostname", CAUSE, SL_EUNREACHABLE, "check the name of the SSH host"},
    {": Connection refused", CAUSE, SL_EUNREACHABLE, closed_advice},
    {": Connection timed out", CAUSE, SL_EUNREACHABLE, silent_advice},
    {": No route to host", CAUSE, SL_EUNREACHABLE, path_advice},
    {": Network is unreachable", CAUSE, SL_EUNREACHABLE, path_advice},
    {"Connection timed out during banner", CAUSE, SL_EUNREACHABLE, silent_advice},
    {"banner line contains invalid", CAUSE, SL_EUNREACHABLE, greeting_advice},
    {"kex_exchange_identification: ", SYMPTOM, SL_EUNREACHABLE, greeting_advice},
    {"Unable to negotiate with", CAUSE, SL_EUNREACHABLE, settings_advice},
    {" not responding", CAUSE, SL_EUNREACHABLE, path_advice},
    {"Received disconnect from", SYMPTOM, SL_EUNREACHABLE, NULL},
    {"cannot listen to", CAUSE, SL_ESYSTEM, forwards_advice},
    {"remote port forwarding failed", CAUSE, SL_ESYSTEM, forwards_advice},
    {"closed by remote host", CONSEQUENCE, SL_EUNREACHABLE, NULL},
    {"Connection closed by ", CONSEQUENCE, SL_EUNREACHABLE, NULL},
    {"Connection reset by ", CONSEQUENCE, SL_EUNREACHABLE, NULL},
    {" timed out", CONSEQUENCE, SL_EUNREACHABLE, silent_advice},
    {"Broken pipe", CONSEQUENCE, SL_EUNREACHABLE, NULL},
};

static void keep(char *text, size_t size, const char *line) {
    snprintf(text, size, "%.*s", (int)size - 1, line);
}

/* The same of ssh's words alone, where it has drawn a frame around them. */
static void keep_words(char *text, size_t size, const char *line) {
    static const char frame[] = "@ ";
    keep(text, size, line + strspn(line, frame));
    for (size_t length = strlen(text); length > 0 && strchr(frame, text[length - 1]); length--)
        text[length - 1] = '\0';
}

static void note_end(sl_openssh_words *words, const char *line) {
    for (size_t i = 0; i < SL_COUNT(ends); i++) {
        if (ends[i].rank <= words->rank || !strstr(line, ends[i].words))
            continue;
        words->rank = ends[i].rank;
        words->code = ends[i].code;
        words->advice = ends[i].advice;
        keep_words(words->line, sizeof(words->line), line);
    }
}

/* What stands between two words; the second may be "", the line's end. */
static const struct {
    const char *line; /* it begins so */
    const char *before, *after;
    sl_tunnel_fact fact;
    const char *prefix; /* goes before it */
} facts[] = {
    {"debug1: Connecting to ", " [", "]", SL_TUNNEL_ADDRESS, ""},
    {"debug1: Remote protocol version 2.0, ", "remote software version ", "", SL_TUNNEL_SERVER,
     "SSH-2.0-"},
    {"debug1: Server host key: ", "SHA256:", "", SL_TUNNEL_HOST_KEY, "SHA256:"},
    {"debug1: Authentications that can continue: ", ": ", "", SL_TUNNEL_METHODS, ""},
};

bool sl_openssh_fact(const char *line, sl_tunnel_fact *fact, char *text, size_t size) {
    for (size_t i = 0; i < SL_COUNT(facts); i++) {
        if (strncmp(line, facts[i].line, strlen(facts[i].line)) != 0)
            continue;
        const char *start = strstr(line + strlen("debug1: "), facts[i].before);
        if (!start)
            continue;
        start += strlen(facts[i].before);
        size_t length = facts[i].after[0] ? strcspn(start, facts[i].after) : strlen(start);
        snprintf(text, size, "%s%.*s", facts[i].prefix, (int)length, start);
        *fact = facts[i].fact;
        return true;
    }
    return false;
}

static void note_key(sl_openssh_words *words, const char *line) {
    if (strncmp(line, "Load key ", 9) == 0 || strstr(line, "dentity file ") ||
        (strncmp(line, "Permissions ", 12) == 0 && strstr(line, "too open")))
        keep(words->key, sizeof(words->key), line);
}

static void note_host_key(sl_openssh_words *words, const char *line) {
    sl_tunnel_fact fact;
    char text[sizeof(words->host_key)];
    if (sl_openssh_fact(line, &fact, text, sizeof(text)) && fact == SL_TUNNEL_HOST_KEY)
        keep(words->host_key, sizeof(words->host_key), text);
}

/* Keeps what stands between, if it means nothing to a shell that a person gives it to. */
static void keep_between(char *text, size_t size, const char *line, const char *before,
                         const char *after) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "/._-:[]%@+,";
    const char *start = strstr(line, before);
    const char *end = start ? strstr(start, after) : NULL;
    if (!end)
        return;
    start += strlen(before);
    size_t length = start < end ? (size_t)(end - start) : 0;
    if (length < size && strspn(start, plain) >= length)
        snprintf(text, size, "%.*s", (int)length, start);
}

/* "Offending ED25519 key in FILE:LINE", "Host key for NAME has changed and …". */
static void note_changed(sl_openssh_words *words, const char *line) {
    const char *number = strrchr(line, ':');
    if (strncmp(line, "Offending ", 10) == 0 && number)
        keep_between(words->known_in, sizeof(words->known_in), line, " key in ", number);
    if (strncmp(line, "Host key for ", 13) == 0)
        keep_between(words->changed, sizeof(words->changed), line, "Host key for ", " has changed");
}

/* A jump host's ssh shares our pipe, and its first channel is the way on. Ours is the socket. */
static bool from_jump(const char *line) {
    return strncmp(line, "channel 0: ", 11) == 0;
}

sl_openssh_event sl_openssh_hear(sl_openssh_words *words, const char *line) {
    for (size_t i = 0; i < SL_COUNT(steps); i++) {
        const char *found = strstr(line, steps[i].words);
        if (!found || (steps[i].start && found != line) || from_jump(line))
            continue;
        if (steps[i].event == SL_OPENSSH_REFUSED)
            note_end(words, line);
        return steps[i].event;
    }
    if (strncmp(line, "debug", 5) == 0) {
        note_host_key(words, line);
        return SL_OPENSSH_NOTHING;
    }
    note_key(words, line);
    note_changed(words, line);
    note_end(words, line);
    return SL_OPENSSH_NOTHING;
}

/* ssh's own line, without the full stop where advice follows it. */
static int said_bytes(const sl_openssh_words *words, bool host_key) {
    size_t length = strlen(words->line);
    bool stops = length > 0 && strchr(".!", words->line[length - 1]);
    return (int)(length - (stops && words->advice && !host_key ? 1 : 0));
}

/* The command that forgets the old key of a host, as far as ssh has told. */
static void write_command(const sl_openssh_words *words, const sl_tunnel_plan *plan, char *text,
                          size_t size) {
    text[0] = '\0';
    if (words->advice != changed_advice)
        return;
    const char *host = words->changed[0] ? words->changed : plan->destination.host;
    int length =
        snprintf(text, size, "'%s'%s%s", host, words->known_in[0] ? " -f " : "", words->known_in);
    if ((size_t)length >= size) /* half a command would do harm */
        text[0] = '\0';
}

int sl_openssh_fail(const sl_openssh_words *words, const sl_tunnel_plan *plan, bool lost,
                    int status) {
    const char *advice = words->advice;
    bool key = words->code == SL_EAUTH && words->key[0];
    bool host_key = words->code == SL_EHOSTKEY && words->host_key[0];
    char host[384];
    write_command(words, plan, host, sizeof(host));
    if (words->code == SL_EFORWARD && !from_jump(words->line))
        return sl_tunnel_plan_fail_refused(plan, words->line);
    if (words->rank > 0 && words->code == SL_EUNREACHABLE && lost)
        return sl_fail(SL_EUNREACHABLE, "the SSH connection to %s was lost: %s", plan->name,
                       words->line);
    if (words->rank > 0)
        return sl_fail(words->code, "ssh cannot connect to %s: %s%s%.*s%s%s%s%s%s", plan->name,
                       key ? words->key : "", key ? ", so " : "", said_bytes(words, host_key),
                       words->line, host_key ? " It showed " : "", host_key ? words->host_key : "",
                       advice ? "; " : "", advice ? advice : "", host);
    if (WIFSIGNALED(status))
        return sl_fail(SL_EUNREACHABLE, "ssh to %s was ended by signal %d", plan->name,
                       WTERMSIG(status));
    return sl_fail(SL_EUNREACHABLE, "ssh to %s ended with status %d; --log debug shows all it said",
                   plan->name, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}
