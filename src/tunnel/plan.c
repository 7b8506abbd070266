/* tunnel: checking and copying what a tunnel is to do. Used by tunnel.c. */
#include "tunnel/plan.h"
#include "base/error.h"
#include "base/settings.h"
#include "tunnel/jump.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FINGERPRINT_LENGTH 43 /* SHA-256 in base64, without padding */
#define USUAL_TIMEOUT_S    8
#define USUAL_ALIVE_S      5

static int copy(const char **field, const char *text) {
    *field = text ? strdup(text) : NULL;
    return text && !*field ? sl_fail_memory() : SL_OK;
}

static int copy_settings(sl_tunnel_settings *to, const sl_tunnel_settings *from) {
    *to = *from;
    const char **fields[] = {
        &to->destination, &to->password,    &to->password_file, &to->key_file, &to->passphrase_file,
        &to->host_key,    &to->known_hosts, &to->ssh_config,    &to->jump,     &to->jump_keys};
    const size_t count = SL_COUNT(fields);
    const char *texts[SL_COUNT(fields)];
    /* First all fields are made safe to free, then they are filled. */
    for (size_t i = 0; i < count; i++) {
        texts[i] = *fields[i];
        *fields[i] = NULL;
    }
    for (size_t i = 0; i < count; i++) {
        int code = copy(fields[i], texts[i]);
        if (code < 0)
            return code;
    }
    if (to->connect_timeout_s <= 0)
        to->connect_timeout_s = USUAL_TIMEOUT_S;
    if (to->alive_timeout_s <= 0)
        to->alive_timeout_s = USUAL_ALIVE_S;
    return SL_OK;
}

static int check_host_key(const char *host_key) {
    if (!host_key)
        return SL_OK;
    bool right = strncmp(host_key, "SHA256:", 7) == 0;
    size_t length = right ? strcspn(host_key + 7, "=") : 0;
    right = right && length == FINGERPRINT_LENGTH &&
            strspn(host_key + 7, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
                                 "=") == strlen(host_key + 7);
    if (right)
        return SL_OK;
    return sl_fail(SL_EINVAL, "ssh_host_key is SHA256: and 43 letters, as `ssh-keygen -l` prints "
                              "it on the server");
}

static int fill_user(sl_ssh_destination *destination) {
    if (destination->user[0])
        return SL_OK;
    char memory[4096];
    struct passwd entry, *found = NULL;
    size_t size = sizeof(destination->user);
    if (getpwuid_r(geteuid(), &entry, memory, sizeof(memory), &found) != 0 || !found ||
        (size_t)snprintf(destination->user, size, "%s", found->pw_name) >= size)
        return sl_fail(SL_EINVAL, "your own user name is not known; write USER@HOST");
    return SL_OK;
}

static int check_target(const sl_tunnel_target *target) {
    bool inward = target->link != NULL;
    if (!target->host || (!target->host[0] && !inward))
        return sl_fail(SL_EINVAL, "the tunnel has no address to go to");
    if (target->port < (inward ? 0 : 1) || target->port > 65535)
        return sl_fail(SL_EINVAL, "the port at the tunnel's far end, %d, is not from 1 to 65535",
                       target->port);
    return SL_OK;
}

int sl_tunnel_plan_init(sl_tunnel_plan *plan, const sl_tunnel_settings *settings,
                        const sl_tunnel_target *target) {
    *plan = (sl_tunnel_plan){.target_port = target->port,
                             .jump = target->jump,
                             .failed = target->failed,
                             .witness = target->witness};
    int code = check_target(target);
    if (code == SL_OK && !settings->destination)
        code = sl_fail(SL_EINVAL, "the tunnel has no SSH destination");
    if (code == SL_OK)
        code = sl_ssh_destination_parse(settings->destination, &plan->destination);
    if (code == SL_OK)
        code = fill_user(&plan->destination);
    if (code == SL_OK)
        code = check_host_key(settings->host_key);
    if (code == SL_OK)
        code = sl_jump_check(settings);
    if (code == SL_OK && settings->ssh_config && settings->backend != SL_SSH_OPENSSH)
        code = sl_fail(SL_EINVAL, "ssh_config is read by ssh alone; it goes with "
                                  "ssh_backend=openssh (--ssh-backend openssh)");
    if (code == SL_OK)
        code = copy_settings(&plan->settings, settings);
    if (code < 0)
        return code;
    if (settings->backend == SL_SSH_OPENSSH) /* it looks up itself what isn't given */
        snprintf(plan->name, sizeof(plan->name), "%s", settings->destination);
    else
        snprintf(plan->name, sizeof(plan->name), "%s@%s port %d", plan->destination.user,
                 plan->destination.host, plan->destination.port);
    plan->target_host = strdup(target->host);
    if (target->link)
        plan->link_path = strdup(target->link + strlen("ipc://"));
    bool copied = plan->target_host && (plan->link_path || !target->link);
    return copied ? SL_OK : sl_fail_memory();
}

int sl_tunnel_plan_fail_refused(const sl_tunnel_plan *plan, const char *words) {
    return sl_fail(SL_EFORWARD,
                   "%s does not allow forwarding to %s port %d (%s); its sshd "
                   "needs AllowTcpForwarding yes (or local) and, if set, "
                   "PermitOpen %s:%d; in authorized_keys port-forwarding, and "
                   "permitopen if set",
                   plan->name, plan->target_host, plan->target_port, words, plan->target_host,
                   plan->target_port);
}

/* Who streams waits until somebody does; who examines the way wants to know what to do. */
int sl_tunnel_plan_fail_unheard(const sl_tunnel_plan *plan, const char *words) {
    const char *then = plan->jump      ? ""
                       : plan->witness ? "; start the viewer, and see that both ends have the same "
                                         "--port"
                                       : "; waiting";
    return sl_fail(SL_EPEER, "nothing listens at %s port %d as seen from %s (%s)%s",
                   plan->target_host, plan->target_port, plan->destination.host, words, then);
}

int sl_tunnel_plan_fail_silent(const sl_tunnel_plan *plan) {
    return sl_fail(
        SL_EPEER,
        "%s port %d does not answer as seen from %s (timed out after %d s); is that host "
        "on, and does a firewall let the port through?%s",
        plan->target_host, plan->target_port, plan->destination.host,
        plan->settings.connect_timeout_s, plan->jump ? "" : " waiting");
}

void sl_tunnel_plan_finish(sl_tunnel_plan *plan) {
    sl_tunnel_settings *settings = &plan->settings;
    char *password = (char *)settings->password;
    if (password)
        explicit_bzero(password, strlen(password));
    free(password);
    free((char *)settings->destination);
    free((char *)settings->password_file);
    free((char *)settings->key_file);
    free((char *)settings->passphrase_file);
    free((char *)settings->host_key);
    free((char *)settings->known_hosts);
    free((char *)settings->ssh_config);
    free((char *)settings->jump);
    free((char *)settings->jump_keys);
    free(plan->target_host);
    free(plan->link_path);
    *plan = (sl_tunnel_plan){0};
}
