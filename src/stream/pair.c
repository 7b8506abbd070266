/* stream: pairing. The viewer's half joins what the gate and the link are set to; the camera's half
 * turns what it was told into a sender's settings. */
#include <sightline/pair.h>
#include <sightline/sender.h>

#include "base/error.h"
#include "base/file.h"
#include "base/listen.h"
#include "base/log.h"
#include "base/network.h"
#include "base/resolve.h"
#include "stream/whereabouts.h"
#include "tunnel/authorized.h"
#include "tunnel/gate.h"
#include "tunnel/invitation.h"
#include "tunnel/invited.h"
#include "tunnel/join.h"
#include "tunnel/own_key.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CAMERA_KEY_NAME "camera_ed25519"
#define VIEWER_NAME     "viewer"

/* The gate that a camera is invited to. */
struct place {
    char address[256]; /* that it listens on; "*": all */
    int port, link_port;
    sl_pattern pattern;
    bool open;
};

static int read_place(struct place *place, const sl_receiver_settings *settings) {
    *place = (struct place){.address = "*", .link_port = settings->link.port};
    place->pattern = settings->link.pattern;
    if (place->link_port == 0)
        place->link_port = SL_INVITATION_PORT;
    if (!settings->gate.listen)
        return SL_OK;
    return sl_listen_parse("gate", settings->gate.listen, place->address, sizeof place->address,
                           &place->port);
}

/* What an open gate says of itself goes before what the settings say of it. */
static int find_place(struct place *place, const sl_receiver_settings *settings) {
    sl_receiver_settings running;
    struct place open;
    int code = read_place(place, settings);
    if (code < 0)
        return code;
    sl_receiver_settings_init(&running);
    if (sl_whereabouts_find(&running) && read_place(&open, &running) == SL_OK &&
        (place->port == 0 || place->port == open.port)) {
        *place = open;
        place->open = true;
    }
    sl_settings_finish(&running);
    if (place->port > 0)
        return SL_OK;
    return sl_fail(
        SL_EINVAL,
        "no gate of this user is open here; start `sightline view --gate PORT` first, or "
        "say --gate PORT as it will have it");
}

/* Where the camera is to look for it. */
static int find_host(sl_invitation_parts *parts, const struct place *place, const char *host) {
    sl_ssh_destination destination;
    parts->port = place->port;
    if (!host && strcmp(place->address, "*") == 0)
        return sl_network_own_address(parts->host, sizeof parts->host);
    if (!host) {
        snprintf(parts->host, sizeof parts->host, "%s", place->address);
        return SL_OK;
    }
    if (sl_ssh_destination_parse(host, &destination) < 0 || destination.user_given)
        return sl_fail(SL_EINVAL,
                       "\"%.100s\" is not HOST[:PORT], as the camera reaches this viewer", host);
    snprintf(parts->host, sizeof parts->host, "%s", destination.host);
    if (destination.port_given)
        parts->port = destination.port;
    return SL_OK;
}

int sl_pair_invite(const sl_receiver_settings *settings, const char *host,
                   sl_invitation *invitation) {
    sl_invitation_parts parts = {0};
    struct place place;
    ssh_key token = NULL;
    *invitation = (sl_invitation){.valid_s = SL_INVITED_S, .host_given = host != NULL};
    int code = find_place(&place, settings);
    if (code == SL_OK)
        code = find_host(&parts, &place, host);
    if (code == SL_OK)
        code = sl_gate_fingerprint(parts.host_key, sizeof parts.host_key);
    if (code == SL_OK)
        code = sl_token_make(parts.token, &token);
    if (code == SL_OK) {
        parts.link_port = place.link_port;
        snprintf(parts.pattern, sizeof parts.pattern, "%s", sl_pattern_name(place.pattern));
        code = sl_invitation_write(&parts, invitation->line);
    }
    if (code == SL_OK)
        code = sl_invited_add(token);
    ssh_key_free(token);
    if (code == SL_OK) {
        snprintf(invitation->host, sizeof invitation->host, "%s", parts.host);
        snprintf(invitation->host_key, sizeof invitation->host_key, "%s", parts.host_key);
        invitation->port = parts.port;
        invitation->gate_open = place.open;
    }
    explicit_bzero(&parts, sizeof parts);
    return code;
}

/* Keeps where the viewer is, as a sender's settings. */
static int keep_viewer(const sl_invitation_parts *parts, const char *key_path) {
    char path[4096], text[5120], place[300];
    int code = sl_state_path(path, sizeof path, VIEWER_NAME);
    if (code < 0)
        return code;
    sl_host_port(place, sizeof place, parts->host, parts->port);
    snprintf(text, sizeof text,
             "# The viewer that this camera was paired with\n"
             "ssh_tunnel_mode = %s\n"
             "ssh_tunnel_keyfile = %s\n"
             "ssh_host_key = %s\n"
             "port = %d\n"
             "pattern = %s\n",
             place, key_path, parts->host_key, parts->link_port, parts->pattern);
    return sl_file_replace(path, text, strlen(text));
}

/* Whether this camera was paired with that viewer before. */
static bool is_kept(const sl_invitation_parts *parts) {
    sl_sender_settings kept;
    void *settings = &kept;
    char path[4096], place[300];
    sl_host_port(place, sizeof place, parts->host, parts->port);
    sl_sender_settings_init(&kept);
    const sl_tunnel_settings *tunnel = &kept.tunnel;
    bool same = sl_pair_viewer(path, sizeof path) == SL_OK &&
                sl_settings_load(&settings, 1, path) == SL_OK && tunnel->destination &&
                tunnel->host_key && strcmp(tunnel->destination, place) == 0 &&
                strcmp(tunnel->host_key, parts->host_key) == 0;
    sl_settings_finish(&kept);
    return same;
}

/* An invitation that isn't good any more is no failure for a camera that has accepted it, or
 * another of the same viewer's: whether that still lets it in shows when it comes. */
static int forgive(const sl_invitation_parts *parts) {
    char sentence[512];
    snprintf(sentence, sizeof sentence, "%s", sl_error());
    if (!is_kept(parts))
        return sl_fail(SL_EAUTH, "%s", sentence);
    sl_log(SL_LOG_INFO, "pair",
           "this camera was paired with that viewer before, and goes on so: %s", sentence);
    return SL_OK;
}

int sl_pair_join(const char *line, const char *name, sl_cancel *cancel) {
    sl_invitation_parts parts;
    char key_path[4096], host[256] = "";
    ssh_key own = NULL;
    int code = sl_invitation_read(line, &parts);
    if (code == SL_OK)
        code = sl_state_path(key_path, sizeof key_path, CAMERA_KEY_NAME);
    if (code == SL_OK)
        code = sl_own_key_get(&own, key_path, "this camera's key");
    if (code == SL_OK) {
        gethostname(host, sizeof host - 1);
        code = sl_join(&parts, own, name ? name : host, cancel);
    }
    if (code == SL_OK)
        code = keep_viewer(&parts, key_path);
    else if (code == SL_EAUTH)
        code = forgive(&parts);
    ssh_key_free(own);
    explicit_bzero(&parts, sizeof parts);
    return code;
}

int sl_pair_viewer(char *path, size_t size) {
    int code = sl_state_path(path, size, VIEWER_NAME);
    if (code < 0)
        return code;
    return access(path, F_OK) == 0 ? SL_OK : sl_fail(SL_EAGAIN, "this camera is not paired");
}

/* The file of keys, and what its lines are to lead to: those of the open gate, if there is one,
 * unless the settings name another file. */
static int find_keys(const sl_receiver_settings *settings, char *path, size_t size,
                     sl_gate_target *link) {
    sl_receiver_settings running;
    int port = settings->link.port ? settings->link.port : SL_INVITATION_PORT;
    sl_receiver_settings_init(&running);
    if (sl_whereabouts_find(&running) && running.link.port)
        port = running.link.port;
    const sl_gate_settings *gate = settings->gate.authorized_keys ? &settings->gate : &running.gate;
    int code = sl_gate_authorized_keys(gate, path, size);
    sl_settings_finish(&running);
    *link = (sl_gate_target){.address = settings->link.address, .port = port};
    return code;
}

struct listing {
    sl_paired_function *tell;
    void *user;
};

static void tell_line(void *user, const sl_authorized_line *line) {
    const struct listing *listing = user;
    sl_paired paired = {
        .name = line->comment, .fingerprint = line->fingerprint, .problem = line->problem};
    listing->tell(listing->user, &paired);
}

int sl_pair_list(const sl_receiver_settings *settings, sl_paired_function *tell, void *user) {
    struct listing listing = {tell, user};
    sl_gate_target link;
    char path[4096];
    int code = find_keys(settings, path, sizeof path, &link);
    return code < 0 ? code : sl_authorized_each(path, &link, tell_line, &listing);
}

struct search {
    const char *which;
    char fingerprint[64]; /* of the one that was found; "": none yet */
    bool several;
};

static void find_line(void *user, const sl_authorized_line *line) {
    struct search *search = user;
    size_t length = strlen(search->which), word = strcspn(line->comment, " ");
    bool named = strcmp(line->comment, search->which) == 0 ||
                 (length == word && strncmp(line->comment, search->which, word) == 0);
    if (!line->fingerprint[0] || (!named && strcmp(line->fingerprint, search->which) != 0))
        return;
    search->several |=
        search->fingerprint[0] && strcmp(search->fingerprint, line->fingerprint) != 0;
    snprintf(search->fingerprint, sizeof search->fingerprint, "%s", line->fingerprint);
}

int sl_pair_revoke(const sl_receiver_settings *settings, const char *which) {
    struct search search = {.which = which};
    sl_gate_target link;
    char path[4096];
    int code = find_keys(settings, path, sizeof path, &link);
    if (code == SL_OK)
        code = sl_authorized_each(path, &link, find_line, &search);
    if (code < 0)
        return code;
    if (!search.fingerprint[0])
        return sl_fail(SL_EINVAL,
                       "no camera is called \"%.100s\" in %s; `sightline pair --list` "
                       "names those that there are",
                       which, path);
    if (search.several)
        return sl_fail(SL_EINVAL,
                       "several cameras are called \"%.100s\" in %s; give the "
                       "fingerprint of the one that is meant",
                       which, path);
    return sl_authorized_remove(path, &link, search.fingerprint);
}
