/* tunnel: the words that the OpenSSH back-end starts ssh with.
 *
 * ssh takes several of them apart again (%-tokens, ${variables}, quotes, colons), so what comes
 * from the user is written such that it means itself, or refused. */
#include "base/error.h"
#include "base/settings.h"
#include "tunnel/far_port.h"
#include "tunnel/openssh.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ALIVE_COUNT 3 /* times that a silent server is asked whether it lives, about */

/* What could turn the tunnel into something else, or send it out of our hands. */
static const char *const fixed[] = {
    "IgnoreUnknown=LogVerbose,ForkAfterAuthentication", /* older ones don't know them */
    "LogLevel=DEBUG1",                                  /* says how far it is */
    "LogVerbose=channels.c:channel_input_open_confirmation():*",
    "ForkAfterAuthentication=no",
    "BatchMode=yes",
    "ClearAllForwardings=no",
    "ControlMaster=no",
    "ControlPath=none",
    "ForwardAgent=no",
    "ForwardX11=no",
    "GatewayPorts=no",
    "PermitLocalCommand=no",
    "StreamLocalBindMask=0177",
    "StreamLocalBindUnlink=yes",
    "Tunnel=no",
};

/* Adds a word. */
static void add(sl_openssh_arguments *arguments, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void add(sl_openssh_arguments *arguments, const char *format, ...) {
    const size_t most = sizeof(arguments->words) / sizeof(arguments->words[0]) - 1;
    size_t left = sizeof(arguments->text) - arguments->used;
    va_list values;
    va_start(values, format);
    char *word = arguments->text + arguments->used;
    size_t length = (size_t)vsnprintf(word, left, format, values);
    va_end(values);
    if (length >= left || arguments->count >= most) {
        arguments->code = sl_fail(SL_EINVAL, "the options for ssh are too long");
        return;
    }
    arguments->words[arguments->count++] = word;
    arguments->used += length + 1;
}

static void add_option(sl_openssh_arguments *arguments, const char *name, const char *value) {
    add(arguments, "-o");
    add(arguments, "%s=%s", name, value);
}

/* A path as ssh must be told it in order to take it for what it is; "" when that can't be. */
static const char *spell(sl_openssh_arguments *arguments, const char *path, char *spelt,
                         size_t size) {
    const char *whole = path;
    size_t length = 0;
    bool fine = strpbrk(path, "\"\\$\n") == NULL;
    for (; fine && *path; path++) {
        fine = length + 3 <= size;
        if (fine && *path == '%')
            spelt[length++] = '%';
        if (fine)
            spelt[length++] = *path;
    }
    spelt[length] = '\0';
    if (!fine)
        arguments->code = sl_fail(SL_EINVAL,
                                  "a path for ssh is too long, or has a quote, a backslash or a "
                                  "dollar sign in it, which ssh can't be told: %.200s",
                                  whole);
    return spelt;
}

/* A socket of ours, as it stands between colons. */
static const char *spell_socket(sl_openssh_arguments *arguments, const char *path, char *spelt,
                                size_t size) {
    spell(arguments, path, spelt, size);
    if (strchr(spelt, ':') || strchr(spelt, '['))
        arguments->code = sl_fail(SL_EINVAL,
                                  "ssh can't have its socket at %s: a colon or bracket is in that "
                                  "name; set XDG_RUNTIME_DIR or TMPDIR to another folder",
                                  path);
    return spelt;
}

/* A host, as it stands between colons. */
static const char *spell_host(sl_openssh_arguments *arguments, const char *host, char *spelt,
                              size_t size) {
    bool brackets = strchr(host, ':') != NULL;
    int length = snprintf(spelt, size, "%s%s%s", brackets ? "[" : "", host, brackets ? "]" : "");
    if (strpbrk(host, "/[]\\ \t") || (size_t)length >= size)
        arguments->code =
            sl_fail(SL_EINVAL, "\"%.200s\" is no name of a host that ssh could forward to", host);
    return spelt;
}

/* -L from the job's socket to a port as seen from the server. */
static void add_way_out(sl_openssh_arguments *arguments, const sl_tunnel_job *job,
                        const char *target, int port) {
    char socket[2 * sizeof(job->socket_path)], host[300];
    add(arguments, "-L");
    add(arguments, "%s:%s:%d", spell_socket(arguments, job->socket_path, socket, sizeof(socket)),
        spell_host(arguments, target, host, sizeof(host)), port);
}

/* -R from the port at the server to the relay. */
static void add_way_in(sl_openssh_arguments *arguments, const sl_tunnel_job *job) {
    const char *address = job->plan.target_host[0] ? job->plan.target_host : "*";
    char socket[2 * sizeof(job->socket_path)], host[300];
    add(arguments, "-R");
    add(arguments, "%s:%d:%s", spell_host(arguments, address, host, sizeof(host)),
        sl_far_port_wanted(job), spell_socket(arguments, job->relay_path, socket, sizeof(socket)));
}

/* Inward, ssh stays when the server does not listen, to be asked why; and when forwards of the
 * user's own fail, which are not our business. */
static void add_forwards(sl_openssh_arguments *arguments, const sl_tunnel_job *job) {
    bool inward = job->plan.link_path != NULL;
    add_option(arguments, "ExitOnForwardFailure", inward ? "no" : "yes");
    if (!inward)
        add_way_out(arguments, job, job->plan.target_host, job->plan.target_port);
    else
        add_way_in(arguments, job);
    if (inward && sl_far_port_wanted(job) > 0)
        add_way_out(arguments, job, sl_far_port_host(job), sl_far_port_wanted(job));
}

/* The pinned key is told to ssh as the only one that is known: it is shown what the server has
 * and answers with that if the fingerprint is right. Both are free of what a shell would mind. */
static void add_pin(sl_openssh_arguments *arguments, const char *fingerprint) {
    int length = (int)strcspn(fingerprint, "=");
    add_option(arguments, "UserKnownHostsFile", "none");
    add_option(arguments, "GlobalKnownHostsFile", "none");
    add_option(arguments, "CheckHostIP", "no");
    add_option(arguments, "VerifyHostKeyDNS", "no");
    add_option(arguments, "UpdateHostKeys", "no");
    add_option(arguments, "HostKeyAlias", "pinned");
    add(arguments, "-o");
    add(arguments,
        "KnownHostsCommand=/bin/sh -c \"test $1 != %.*s || echo pinned $2 $3\" sh %%f %%t %%K",
        length, fingerprint);
}

static void add_host_key(sl_openssh_arguments *arguments, const sl_tunnel_settings *settings,
                         const char *algorithms) {
    char path[4096];
    bool accept = settings->host_key_policy == SL_HOST_KEY_ACCEPT_NEW && !settings->host_key;
    add_option(arguments, "StrictHostKeyChecking", accept ? "accept-new" : "yes");
    if (algorithms)
        add_option(arguments, "HostKeyAlgorithms", algorithms);
    if (settings->host_key) {
        add_pin(arguments, settings->host_key);
    } else if (settings->known_hosts) {
        spell(arguments, settings->known_hosts, path, sizeof(path));
        add(arguments, "-o");
        add(arguments, "UserKnownHostsFile=\"%s\"", path);
        add_option(arguments, "GlobalKnownHostsFile", "none");
    }
}

/* ssh asks after each interval of silence, and gives up one interval after the last question: by
 * whole seconds, the last of which is kept for what follows. */
static void add_alive(sl_openssh_arguments *arguments, int timeout_s) {
    int silent_s = timeout_s > 2 ? timeout_s - 1 : timeout_s;
    int interval_s = silent_s > ALIVE_COUNT ? silent_s / (ALIVE_COUNT + 1) : 1;
    int count = silent_s / interval_s - 1;
    char number[16];
    snprintf(number, sizeof(number), "%d", interval_s);
    add_option(arguments, "ServerAliveInterval", number);
    snprintf(number, sizeof(number), "%d", count > 0 ? count : 1);
    add_option(arguments, "ServerAliveCountMax", number);
}

/* Writes one jump host, for which ssh has a shell start another ssh. Returns its length. */
static size_t spell_jump(sl_openssh_arguments *arguments, const char *name, char *spelt,
                         size_t size) {
    static const char fit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                              "._-+=@:[]";
    sl_ssh_destination jump;
    char port[16] = "";
    int code = sl_ssh_destination_parse(name, &jump);
    if (code == SL_OK && strspn(name, fit) < strlen(name))
        code = sl_fail(SL_EINVAL,
                       "ssh can't be told the jump host %s, since a shell or ssh itself would take "
                       "some of its letters for something else",
                       name);
    if (code < 0)
        arguments->code = code;
    bool brackets = strchr(jump.host, ':') != NULL;
    if (jump.port_given)
        snprintf(port, sizeof(port), ":%d", jump.port);
    return (size_t)snprintf(spelt, size, "%s%s%s%s%s%s", jump.user, jump.user_given ? "@" : "",
                            brackets ? "[" : "", jump.host, brackets ? "]" : "", port);
}

static void add_jumps(sl_openssh_arguments *arguments, const sl_tunnel_settings *settings) {
    sl_ssh_route route;
    char jumps[sizeof(route.names)] = "";
    size_t length = 0;
    if (!settings->jump)
        return;
    int code = sl_ssh_route_read(&route, settings);
    for (int i = 0; code == SL_OK && i < route.count - 1; i++) {
        if (i > 0)
            jumps[length++] = ',';
        length += spell_jump(arguments, route.names[i], jumps + length, sizeof(jumps) - length);
    }
    if (code < 0)
        arguments->code = code;
    add_option(arguments, "ProxyJump", jumps);
}

int sl_openssh_arguments_fill(sl_openssh_arguments *arguments, const sl_tunnel_job *job,
                              const char *algorithms) {
    const sl_tunnel_settings *settings = &job->plan.settings;
    const sl_ssh_destination *destination = &job->plan.destination;
    char path[4096], number[16];
    *arguments = (sl_openssh_arguments){0};
    add(arguments, "ssh");
    add(arguments, "-N");
    add(arguments, "-T");
    if (settings->ssh_config) {
        add(arguments, "-F");
        add(arguments, "%s", settings->ssh_config);
    }
    for (size_t i = 0; i < SL_COUNT(fixed); i++) {
        add(arguments, "-o");
        add(arguments, "%s", fixed[i]);
    }
    add_alive(arguments, settings->alive_timeout_s);
    snprintf(number, sizeof(number), "%d", settings->connect_timeout_s);
    add_option(arguments, "ConnectTimeout", number);
    add_host_key(arguments, settings, algorithms);
    if (settings->key_file) {
        add_option(arguments, "IdentitiesOnly", "yes");
        add(arguments, "-i");
        add(arguments, "%s", spell(arguments, settings->key_file, path, sizeof(path)));
    }
    add_forwards(arguments, job);
    add_jumps(arguments, settings);
    if (destination->user_given) {
        add(arguments, "-l");
        add(arguments, "%s", destination->user);
    }
    if (destination->port_given) {
        add(arguments, "-p");
        add(arguments, "%d", destination->port);
    }
    add(arguments, "--");
    add(arguments, "%s", destination->host);
    return arguments->code;
}
