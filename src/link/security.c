/* link: CURVE, and who is let in. See security.h. */
#include "link/security.h"
#include "base/error.h"
#include "base/settings.h"
#include "base/text.h"
#include <sightline/keys.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

/* NetGear's peers speak ZMTP 3. Older versions have no handshake, so that anything at all, a web
 * browser for one, would be taken for a peer; libzmq leaves them out once there is a domain. With
 * no handler and no security it has no other effect. */
#define DOMAIN "sightline"

/* libzmq would let everyone in when nobody answers for the domain. Stock libraries know this
 * option, though the header declares it among the drafts only. */
#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93
#endif

#define GATEKEEPER  "inproc://zeromq.zap.01"
#define ZAP_VERSION "1.0"
#define KEY_BYTES   32

static int read_sender(sl_security *security, const char *location) {
    char path[SL_KEYRING_PATH_MAX];
    sl_certificate other;
    int code = sl_keyring_path(path, location, SL_SENDER_SECRET);
    if (code == SL_OK)
        code = sl_keyring_read(&security->own, path, true);
    if (code == SL_OK)
        code = sl_keyring_path(security->place, location, SL_RECEIVER_PUBLIC);
    if (code == SL_OK)
        code = sl_keyring_read(&other, security->place, false);
    if (code == SL_OK)
        memcpy(security->other_key, other.public_key, sizeof other.public_key);
    return code;
}

static int read_receiver(sl_security *security, const char *location) {
    char path[SL_KEYRING_PATH_MAX];
    int code = sl_keyring_path(path, location, SL_RECEIVER_SECRET);
    if (code == SL_OK)
        code = sl_keyring_read(&security->own, path, true);
    if (code == SL_OK)
        code = sl_keyring_path(security->place, location, SL_PUBLIC_KEYS);
    if (code == SL_OK && security->mode == 2)
        code = sl_keyring_check(security->place, security->own.public_key);
    return code;
}

int sl_security_init(sl_security *security, const sl_link_settings *settings, sl_role role) {
    *security = (sl_security){.mode = settings->secure_mode, .role = role};
    pthread_mutex_init(&security->lock, NULL);
    if (security->mode == 0)
        return SL_OK;
    if (security->mode < 0 || security->mode > 2)
        return sl_fail(SL_EINVAL, "secure_mode must be 0, 1 or 2, not %d", security->mode);
    return role == SL_ROLE_SENDER ? read_sender(security, settings->custom_cert_location)
                                  : read_receiver(security, settings->custom_cert_location);
}

void sl_security_finish(sl_security *security) {
    explicit_bzero(&security->own, sizeof security->own);
    pthread_mutex_destroy(&security->lock);
}

int sl_link_prepare(const sl_link_settings *settings, sl_role role) {
    sl_security security;
    int code = SL_OK;
    if (settings->overwrite_cert && role == SL_ROLE_RECEIVER)
        return sl_fail(SL_EINVAL, "overwrite_cert is for a sender; leave it out at a viewer");
    if (settings->overwrite_cert && settings->secure_mode == 0)
        return sl_fail(SL_EINVAL, "overwrite_cert needs secure_mode 1 or 2");
    if (settings->overwrite_cert)
        code = sl_keys_make(settings->custom_cert_location, SL_KEY_OF_SENDER | SL_KEY_OF_RECEIVER,
                            true);
    if (code < 0)
        return code;
    code = sl_security_init(&security, settings, role);
    sl_security_finish(&security);
    return code;
}

static int fail_apply(void) {
    return sl_fail(SL_EUNSUPPORTED, "this libzmq can't make a connection secure: %s",
                   zmq_strerror(errno));
}

static bool set_text(void *socket, int option, const char *text) {
    return zmq_setsockopt(socket, option, text, strlen(text)) == 0;
}

static bool set_flag(void *socket, int option) {
    const int on = 1;
    return zmq_setsockopt(socket, option, &on, sizeof on) == 0;
}

static bool set_curve(const sl_security *security, void *socket) {
    bool set = set_text(socket, ZMQ_CURVE_PUBLICKEY, security->own.public_key) &&
               set_text(socket, ZMQ_CURVE_SECRETKEY, security->own.secret_key);
    if (security->role == SL_ROLE_SENDER)
        return set && set_text(socket, ZMQ_CURVE_SERVERKEY, security->other_key);
    return set && set_flag(socket, ZMQ_CURVE_SERVER) && set_flag(socket, ZMQ_ZAP_ENFORCE_DOMAIN);
}

int sl_security_apply(const sl_security *security, void *socket) {
    int mechanism = -1;
    size_t size = sizeof mechanism;
    if (!set_text(socket, ZMQ_ZAP_DOMAIN, DOMAIN) ||
        (security->mode > 0 && !set_curve(security, socket)) ||
        zmq_getsockopt(socket, ZMQ_MECHANISM, &mechanism, &size))
        return fail_apply();
    if (mechanism == (security->mode > 0 ? ZMQ_CURVE : ZMQ_NULL))
        return SL_OK;
    errno = ENOTSUP;
    return fail_apply();
}

/* What is asked of a gatekeeper, in this order. */
enum { VERSION, REQUEST, ASKED_DOMAIN, ADDRESS, IDENTITY, MECHANISM, CREDENTIALS, FRAMES };

typedef struct frame {
    char bytes[64];
    size_t size; /* of what came; more than `bytes` holds is wrong anyway */
} frame;

static bool is(const frame *given, const char *text) {
    return given->size == strlen(text) && memcmp(given->bytes, text, given->size) == 0;
}

/* The next question: how many frames it has, or -1 at the end. Those beyond the last one that is
 * known are counted alone. */
static int read_question(void *gatekeeper, frame frames[FRAMES]) {
    int count = 0, more = 1;
    size_t size = sizeof more;
    while (more) {
        frame beyond, *into = count < FRAMES ? &frames[count] : &beyond;
        int got = zmq_recv(gatekeeper, into->bytes, sizeof into->bytes, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 || zmq_getsockopt(gatekeeper, ZMQ_RCVMORE, &more, &size))
            return -1;
        into->size = (size_t)got;
        count++;
    }
    return count;
}

/* Keeps and logs why somebody is not let in. */
static void turn_away(sl_security *security, const frame frames[FRAMES], const char *key) {
    char sentence[SL_VISITOR_MAX];
    const frame *address = &frames[ADDRESS];
    bool known = address->size > 0 && address->size < sizeof address->bytes;
    snprintf(sentence, sizeof sentence,
             "a sender%s%s is not let in: no file in %.200s has its key %s; put its public "
             "certificate there if it may come in",
             known ? " at " : "", known ? sl_text_address(address->bytes) : "", security->place,
             key);
    pthread_mutex_lock(&security->lock);
    memcpy(security->visitor, sentence, sizeof sentence);
    pthread_mutex_unlock(&security->lock);
}

static bool lets_in(sl_security *security, const frame frames[FRAMES], int count) {
    char key[SL_KEY_TEXT];
    if (count != FRAMES || !is(&frames[VERSION], ZAP_VERSION) ||
        !is(&frames[ASKED_DOMAIN], DOMAIN) || !is(&frames[MECHANISM], "CURVE") ||
        frames[CREDENTIALS].size != KEY_BYTES)
        return false;
    if (!zmq_z85_encode(key, (const uint8_t *)frames[CREDENTIALS].bytes, KEY_BYTES))
        return false;
    if (security->mode == 1 || sl_keyring_find(security->place, key, &security->lines) == SL_OK)
        return true;
    turn_away(security, frames, key);
    return false;
}

/* Without a user's name: libzmq would put that where the first message goes, and with a queue of
 * one, which it does not leave before that message comes, none would ever. */
static void answer(void *gatekeeper, const frame *request, bool in) {
    size_t size = request->size < sizeof request->bytes ? request->size : sizeof request->bytes;
    const char *words[] = {in ? "200" : "400", in ? "OK" : "unknown key", "", ""};
    zmq_send(gatekeeper, ZAP_VERSION, strlen(ZAP_VERSION), ZMQ_SNDMORE);
    zmq_send(gatekeeper, request->bytes, size, ZMQ_SNDMORE);
    const size_t count = SL_COUNT(words);
    for (size_t i = 0; i < count; i++)
        zmq_send(gatekeeper, words[i], strlen(words[i]), i + 1 < count ? ZMQ_SNDMORE : 0);
}

static void keep_gate(void *argument) {
    sl_security *security = argument;
    frame frames[FRAMES];
    int count;
    while (memset(frames, 0, sizeof frames),
           (count = read_question(security->gatekeeper, frames)) >= 0) {
        bool in = lets_in(security, frames, count);
        answer(security->gatekeeper, &frames[REQUEST], in);
    }
    zmq_close(security->gatekeeper);
}

int sl_security_start(sl_security *security, void *context) {
    const int none = 0;
    if (security->mode == 0 || security->role == SL_ROLE_SENDER)
        return SL_OK;
    void *gatekeeper = zmq_socket(context, ZMQ_REP);
    if (!gatekeeper || zmq_setsockopt(gatekeeper, ZMQ_LINGER, &none, sizeof none) ||
        zmq_bind(gatekeeper, GATEKEEPER)) {
        int code = sl_fail(SL_ESYSTEM, "cannot look after a secure link: %s", zmq_strerror(errno));
        if (gatekeeper)
            zmq_close(gatekeeper);
        return code;
    }
    security->gatekeeper = gatekeeper;
    int code = sl_thread_start(&security->thread, "sl-keys", keep_gate, security);
    if (code < 0)
        zmq_close(gatekeeper);
    return code;
}

void sl_security_stop(sl_security *security, void *context) {
    if (security->thread.running)
        zmq_ctx_shutdown(context);
    sl_thread_join(&security->thread);
}

void sl_security_take_visitor(sl_security *security, char sentence[SL_VISITOR_MAX]) {
    pthread_mutex_lock(&security->lock);
    memcpy(sentence, security->visitor, SL_VISITOR_MAX);
    security->visitor[0] = '\0';
    pthread_mutex_unlock(&security->lock);
}
