/* Pairing: how a viewer with a gate and a camera end get to know each other, once. The viewer
 * invites with one line; the camera accepts it, and finds its viewer by itself from then on.
 *
 * These calls may be made from any thread, and, but for sl_pair_join(), do not wait. */
#ifndef SIGHTLINE_PAIR_H
#define SIGHTLINE_PAIR_H

#include <sightline/cancel.h>
#include <sightline/export.h>
#include <sightline/receiver.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct sl_invitation {
    char line[640];    /* for the camera; a secret until it is used, since it lets one camera in */
    char host[256];    /* where the camera will look for the gate */
    int port;          /* there */
    char host_key[64]; /* "SHA256:…", of the gate */
    int valid_s;       /* from now on */
    bool host_given;   /* by the caller; else it is what this machine knows of itself */
    bool gate_open;    /* a gate of this user's listens there now */
    void *reserved[8];
} sl_invitation;

/* Invites one camera to the gate that a receiver with these settings has, or will have: any open
 * gate of this user's takes the invitation, at once. Where settings->gate.listen is NULL, or its
 * port 0, it is the gate that this user opened last and has not closed. `host` is HOST[:PORT] as
 * the camera reaches it, with an IPv6 address in brackets; NULL: the address that the gate listens
 * at, or this machine's on its way to the internet. Makes the gate's host key if there is none.
 * SL_EINVAL for a host or gate that makes no sense, or when no gate is known; SL_ESYSTEM,
 * SL_ENOMEM. */
SL_API int sl_pair_invite(const sl_receiver_settings *settings, const char *host,
                          sl_invitation *invitation);

/* Accepts an invitation: connects to the gate, verifies its host key, and hands over this camera's
 * own key, which it makes on first use, and `name`, by which the viewer lists it (its letters,
 * digits, '.', '_' and '-', 63 at most; NULL: this host's name). Nothing that could be used by
 * somebody else is sent, and nothing at all before the host key is verified. Then keeps where the
 * viewer is; see sl_pair_viewer(). Waits for the gate; `cancel` (may be NULL) ends that. SL_EINVAL
 * for a line that is none, SL_EUNREACHABLE, SL_EHOSTKEY when another key is there than the line
 * says, SL_EAUTH in words when the invitation was used, is old or not known there, unless this
 * camera was paired with that viewer before; SL_ESYSTEM, SL_ECANCELED. */
SL_API int sl_pair_join(const char *line, const char *name, sl_cancel *cancel);

/* The path of a file of settings for a sender, for sl_settings_load(): the viewer that this camera
 * was paired with last. SL_EAGAIN when it was with none. */
SL_API int sl_pair_viewer(char *path, size_t size);

/* A line of the gate's authorized keys. Strings are valid during the call. */
typedef struct sl_paired {
    const char *name;        /* what stands after the key: "porch paired 2026-01-31"; may be "" */
    const char *fingerprint; /* "SHA256:…"; "" where there is no key */
    const char *problem;     /* why it lets nobody in; "": it does */
    void *reserved[4];
} sl_paired;

typedef void sl_paired_function(void *user, const sl_paired *paired);

/* Calls `tell` for every camera that the gate of a receiver with these settings lets in, paired or
 * written there by hand, in order. SL_EINVAL, SL_ESYSTEM when the file can't be had. */
SL_API int sl_pair_list(const sl_receiver_settings *settings, sl_paired_function *tell, void *user);

/* Lets a camera in no more, and has open gates end its connections. `which` is a fingerprint, or
 * the name up to its first space, or the whole of it. SL_EINVAL when there is no such camera, or
 * several; SL_ESYSTEM. */
SL_API int sl_pair_revoke(const sl_receiver_settings *settings, const char *which);

#endif
