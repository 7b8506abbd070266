/* tunnel: jump hosts. Used by the libssh back-end, on the tunnel's thread, and by plan.c.
 *
 *   session to the server ──▶ outer's socket ══ outer: session to the last jump host ══▶ its port
 *
 * and outer may well have an outer of its own. Each has a thread and a supervisor, so each comes
 * back by itself; who needs it waits for that without a back-off of its own. */
#include "tunnel/jump.h"
#include "base/error.h"
#include "tunnel/local.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Calls `visit` for each item of a list. */
static int for_each(const char *list, int (*visit)(void *user, const char *item, size_t length),
                    void *user) {
    for (;; list++) {
        size_t length = strcspn(list, ",");
        int code = visit(user, list, length);
        list += length;
        if (code < 0 || !*list)
            return code;
    }
}

static int add_server(void *user, const char *item, size_t length) {
    sl_ssh_route *route = user;
    sl_ssh_destination parsed;
    if (route->count == SL_SSH_JUMPS_MOST)
        return sl_fail(SL_EINVAL, "there are more than %d jump hosts (--ssh-jump)",
                       SL_SSH_JUMPS_MOST);
    char *name = route->names[route->count++];
    if (length == 0)
        return sl_fail(SL_EINVAL,
                       "jump host %d of the list (--ssh-jump) is empty; it is "
                       "[USER@]HOST[:PORT], and a comma between two",
                       route->count);
    if (length >= sizeof(route->names[0]))
        return sl_fail(SL_EINVAL, "jump host %d of the list (--ssh-jump) is too long",
                       route->count);
    memcpy(name, item, length);
    name[length] = '\0';
    if (sl_ssh_destination_parse(name, &parsed) < 0)
        return sl_fail(SL_EINVAL, "jump host %d of the list (--ssh-jump) is none: %s", route->count,
                       sl_error());
    return SL_OK;
}

int sl_ssh_route_read(sl_ssh_route *route, const sl_tunnel_settings *settings) {
    *route = (sl_ssh_route){.count = 0};
    int code = settings->jump ? for_each(settings->jump, add_server, route) : SL_OK;
    if (code == SL_OK)
        snprintf(route->names[route->count++], sizeof(route->names[0]), "%s",
                 settings->destination);
    return code;
}

static int count_item(void *user, const char *item, size_t length) {
    (void)item, (void)length;
    ++*(int *)user;
    return SL_OK;
}

int sl_jump_check(const sl_tunnel_settings *settings) {
    sl_ssh_route route;
    int code = sl_ssh_route_read(&route, settings), keys = 0;
    if (code < 0 || !settings->jump_keys)
        return code;
    if (settings->backend != SL_SSH_LIBSSH)
        return sl_fail(SL_EINVAL, "ssh_jump_keys goes with ssh_backend=libssh; for the ssh command "
                                  "the keys of jump hosts stand in its configuration");
    for_each(settings->jump_keys, count_item, &keys);
    if (keys == route.count - 1)
        return SL_OK;
    return sl_fail(SL_EINVAL,
                   "ssh_jump_keys has %d keys for %d jump hosts; it takes one for each, with "
                   "nothing between two commas for the usual keys",
                   keys, route.count - 1);
}

/* Takes the last item off a list; the list is NULL once it was the only one. */
static const char *take_last(char **list) {
    char *comma = strrchr(*list, ',');
    const char *item = comma ? comma + 1 : *list;
    if (comma)
        *comma = '\0';
    else
        *list = NULL;
    return item;
}

/* What stays as it is for the destination goes for each jump host too: known hosts, time-outs,
 * who is asked. A password that was given is for the destination alone. */
static sl_tunnel_settings settings_for(const sl_tunnel_settings *of, char *hosts, char *keys) {
    sl_tunnel_settings settings = *of;
    settings.destination = take_last(&hosts);
    settings.jump = hosts;
    settings.host_key = settings.password = NULL;
    settings.persist = false;
    if (of->password_file && strcmp(of->password_file, "-") != 0)
        settings.password_file = NULL;
    if (keys) {
        const char *key = take_last(&keys);
        settings.key_file = key[0] ? key : NULL;
        settings.passphrase_file = NULL;
        settings.jump_keys = keys;
    }
    return settings;
}

static void set_outer(sl_tunnel_job *job, sl_tunnel *outer) {
    pthread_mutex_lock(&job->lock);
    job->outer = outer;
    pthread_mutex_unlock(&job->lock);
}

static int open_outer(sl_tunnel_job *job) {
    const sl_tunnel_plan *plan = &job->plan;
    const sl_tunnel_settings *settings = &plan->settings;
    sl_tunnel_target target = {.host = plan->destination.host,
                               .port = plan->destination.port,
                               .witness = plan->witness,
                               .jump = true,
                               .at_once = true};
    sl_tunnel *outer = NULL;
    int code = SL_OK;
    char *hosts = strdup(settings->jump);
    char *keys = settings->jump_keys ? strdup(settings->jump_keys) : NULL;
    if (!hosts || (settings->jump_keys && !keys))
        code = sl_fail_memory();
    if (code == SL_OK) {
        sl_tunnel_settings its = settings_for(settings, hosts, keys);
        code = sl_tunnel_open(&outer, &its, &target, job->stop);
    }
    free(hosts);
    free(keys);
    set_outer(job, outer);
    return code;
}

static void close_outer(sl_tunnel_job *job) {
    sl_tunnel *outer = job->outer;
    set_outer(job, NULL);
    sl_tunnel_close(&outer, 0);
}

int sl_jump_reach(sl_tunnel_job *job) {
    sl_tunnel_status status;
    bool first = !job->outer;
    if (!job->plan.settings.jump)
        return SL_OK;
    int code = first ? open_outer(job) : SL_OK;
    if (code == SL_OK)
        code = sl_tunnel_await(job->outer, job->stop);
    if (code < 0) {
        close_outer(job);
        return code;
    }
    /* It has just asked for the server's port. Later ones are asked for anew, until they answer. */
    sl_tunnel_status_get(job->outer, &status);
    return first && status.reason[0] ? sl_fail(SL_EUNREACHABLE, "%s", status.reason) : SL_OK;
}

int sl_jump_dial(int *descriptor, const sl_tunnel_job *job) {
    *descriptor = sl_local_connect(sl_tunnel_endpoint(job->outer) + strlen("ipc://"));
    if (*descriptor >= 0)
        return SL_OK;
    return sl_fail(SL_EUNREACHABLE, "the way to %s through its jump host was lost", job->plan.name);
}

int sl_jump_explain(const sl_tunnel_job *job, int code) {
    sl_tunnel_status status;
    if (code != SL_EUNREACHABLE || !job->outer)
        return code;
    sl_tunnel_status_get(job->outer, &status);
    return status.reason[0] ? sl_fail(code, "%s", status.reason) : code;
}

uint64_t sl_jump_under_way(const sl_tunnel_job *job) {
    return job->outer ? sl_tunnel_under_way(job->outer) : 0;
}
