/* tunnel: whether a host key is the right one: pinned, known, unknown, changed or revoked. Used by
 * the libssh back-end. */
#include "tunnel/hostkey.h"
#include "base/error.h"
#include "base/settings.h"
#include "base/file.h"
#include "base/log.h"
#include "tunnel/known_hosts.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define SYSTEM_KNOWN_HOSTS "/etc/ssh/ssh_known_hosts"
#define FILES_MOST         3

#define ED25519    "ssh-ed25519"
#define ECDSA_P256 "ecdsa-sha2-nistp256"
#define ECDSA_P384 "ecdsa-sha2-nistp384"
#define ECDSA_P521 "ecdsa-sha2-nistp521"
#define RSA        "rsa-sha2-512,rsa-sha2-256"

static const struct kind {
    enum ssh_keytypes_e type;
    int family;
    const char *algorithms;
    const char *name; /* for people */
} kinds[] = {
    {SSH_KEYTYPE_ED25519, 0, ED25519, "ED25519"},
    {SSH_KEYTYPE_ECDSA_P256, 1, ECDSA_P256, "ECDSA"},
    {SSH_KEYTYPE_ECDSA_P384, 1, ECDSA_P384, "ECDSA"},
    {SSH_KEYTYPE_ECDSA_P521, 1, ECDSA_P521, "ECDSA"},
    {SSH_KEYTYPE_RSA, 2, RSA, "RSA"},
};
#define KINDS SL_COUNT(kinds)

struct files {
    char paths[FILES_MOST][4096];
    size_t count;
    const char *own; /* the one to add to; NULL: none can be made */
};

const char *sl_host_key_family(int family) {
    static const char *const algorithms[SL_HOST_KEY_FAMILIES] = {
        ED25519,
        ECDSA_P256 "," ECDSA_P384 "," ECDSA_P521,
        RSA,
    };
    return algorithms[family];
}

static const struct kind *kind_of(ssh_key key) {
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].type == ssh_key_type(key))
            return &kinds[i];
    return NULL;
}

int sl_host_key_family_of(ssh_key key) {
    const struct kind *kind = kind_of(key);
    return kind ? kind->family : -1;
}

static void find_files(const sl_tunnel_plan *plan, struct files *found) {
    *found = (struct files){.count = 0};
    if (plan->settings.known_hosts) {
        snprintf(found->paths[found->count], sizeof(found->paths[0]), "%s",
                 plan->settings.known_hosts);
        found->own = found->paths[found->count++];
        return;
    }
    if (sl_home_path(found->paths[found->count], sizeof(found->paths[0]), ".ssh/known_hosts") == 0)
        found->count++;
    snprintf(found->paths[found->count++], sizeof(found->paths[0]), SYSTEM_KNOWN_HOSTS);
    if (sl_state_path(found->paths[found->count], sizeof(found->paths[0]), "known_hosts") == 0)
        found->own = found->paths[found->count++];
}

/* The host's name as known_hosts has it. */
static void write_name(const sl_tunnel_plan *plan, char *name, size_t size) {
    const sl_ssh_destination *destination = &plan->destination;
    if (destination->port == 22)
        snprintf(name, size, "%s", destination->host);
    else
        snprintf(name, size, "[%s]:%d", destination->host, destination->port);
    for (; *name; name++)
        *name = (char)tolower((unsigned char)*name);
}

int sl_host_key_algorithms(const sl_tunnel_plan *plan, char *algorithms, size_t size) {
    sl_known_hosts known = {0};
    char name[300];
    size_t length = 0;
    if (!plan->settings.host_key) {
        struct files found;
        find_files(plan, &found);
        write_name(plan, name, sizeof(name));
        for (size_t i = 0; i < found.count; i++)
            sl_known_hosts_look(&known, found.paths[i], name, NULL);
    }
    algorithms[0] = '\0';
    for (int known_ones = 1; known_ones >= 0; known_ones--) {
        for (size_t i = 0; i < KINDS; i++) {
            if (((known.types >> kinds[i].type) & 1) != (unsigned)known_ones)
                continue;
            int added = snprintf(algorithms + length, size - length, "%s%s", length ? "," : "",
                                 kinds[i].algorithms);
            length += (size_t)added;
            if (length >= size)
                return sl_fail(SL_EINVAL, "the list of host key algorithms is too long");
        }
    }
    return SL_OK;
}

static int check_pinned(const sl_tunnel_plan *plan, ssh_key key, const char *fingerprint) {
    size_t length = strlen(fingerprint);
    const char *pinned = plan->settings.host_key;
    if (strncmp(pinned, fingerprint, length) == 0 &&
        strspn(pinned + length, "=") == strlen(pinned + length))
        return SL_OK;
    const struct kind *kind = kind_of(key);
    return sl_fail(SL_EHOSTKEY,
                   "%s does not have the host key that was asked for, %s: its %s key "
                   "is %s; if the server was set up anew, give that one, else "
                   "somebody is in between",
                   plan->destination.host, pinned, kind ? kind->name : "host", fingerprint);
}

/* What can be pinned is the destination's key, not a jump host's. */
static int fail_unknown(const sl_tunnel_plan *plan, ssh_key key, const char *name,
                        const char *fingerprint) {
    const struct kind *kind = kind_of(key);
    return sl_fail(SL_EHOSTKEY,
                   "the host key of %s is not known. Its %s key is %s; if the server "
                   "says the same, %s%s, or "
                   "-o ssh_host_key_policy=accept-new to trust it from now on",
                   name, kind ? kind->name : "host", fingerprint,
                   plan->jump ? "log in to that jump host once with ssh" : "give --ssh-host-key ",
                   plan->jump ? "" : fingerprint);
}

static int fail_changed(const sl_known_hosts *known, const char *name, const char *fingerprint) {
    return sl_fail(SL_EHOSTKEY,
                   "THE HOST KEY OF %s HAS CHANGED: it is %s, but line %d of %s has "
                   "%s. Somebody may be in between; if the server was set up anew, "
                   "forget the old key: ssh-keygen -R '%s' -f %s",
                   name, fingerprint, known->line, known->path, known->fingerprint, name,
                   known->path);
}

/* An unknown key that is to be trusted from now on. */
static void remember(const char *path, const char *name, ssh_key key, const char *fingerprint) {
    if (!path || sl_known_hosts_add(path, name, key) < 0)
        sl_log(SL_LOG_WARNING, "tunnel", "the host key of %s, %s, was accepted but not kept: %s",
               name, fingerprint, sl_error());
    else
        sl_log(SL_LOG_WARNING, "tunnel", "the host key of %s, %s, was new; it was added to %s",
               name, fingerprint, path);
}

int sl_host_key_check(const sl_tunnel_plan *plan, ssh_key key) {
    sl_known_hosts known = {0};
    struct files found;
    char fingerprint[64], name[300];
    int code = sl_fingerprint(fingerprint, sizeof(fingerprint), key);
    if (code < 0)
        return code;
    if (plan->settings.host_key)
        return check_pinned(plan, key, fingerprint);

    find_files(plan, &found);
    write_name(plan, name, sizeof(name));
    for (size_t i = 0; i < found.count; i++)
        sl_known_hosts_look(&known, found.paths[i], name, key);
    switch (known.verdict) {
    case SL_KNOWN_SAME:
        return SL_OK;
    case SL_KNOWN_OTHER:
        return fail_changed(&known, name, fingerprint);
    case SL_KNOWN_REVOKED:
        return sl_fail(SL_EHOSTKEY, "the host key of %s, %s, is revoked by line %d of %s", name,
                       fingerprint, known.line, known.path);
    case SL_KNOWN_NOTHING:
        break;
    }
    /* Another key may stand there, and this one would pass for new. */
    if (known.trouble[0])
        return sl_fail(SL_EHOSTKEY,
                       "whether the host key of %s, %s, is the right one cannot be known: %s; make "
                       "that file readable, or name another one (ssh_known_hosts)",
                       name, fingerprint, known.trouble);
    if (plan->settings.host_key_policy != SL_HOST_KEY_ACCEPT_NEW)
        return fail_unknown(plan, key, name, fingerprint);
    remember(found.own, name, key, fingerprint);
    return SL_OK;
}
