/* link: why a peer and this end don't talk, in words. Used by the monitor alone.
 *
 * libzmq says little of a handshake that failed. What else is known comes from whoever let nobody
 * in, or from a look at who stands at the far end. */
#include "base/clock.h"
#include "link/room.h"

#include <stdio.h>
#include <string.h>
#include <zmq.h>

#define ASK_MS      500  /* for a stranger to say who it is */
#define QUESTION_MS 1000 /* between asking those who only broke off, */
#define BROKEN_OFF  3    /* which one does who has no far end now, too: so often in a row */
#define RETURN_MS   3000 /* for a peer that only broke off to be there after all */

static sl_greeting ask_viewer(const sl_link *link) {
    sl_place place;
    sl_greeting greeting = {0};
    if (sl_name_place(link, &place))
        sl_stranger_ask(&place, sl_link_manner(link), link->cancel, sl_deadline_us(ASK_MS),
                        &greeting);
    return greeting;
}

static void refuse_viewer(sl_link *link) {
    const char *where = link->far_end;
    sl_greeting greeting = ask_viewer(link);
    char why[SL_MISMATCH_MAX];
    if (sl_greeting_mismatch(&greeting, sl_link_manner(link), where, why))
        sl_monitor_refuse(link, "%s", why);
    else
        sl_monitor_refuse(link, "the viewer at %.60s broke the handshake off", where);
}

/* A viewer says nothing to who has another key of it than its own; and what pattern it uses is
 * encrypted. */
static void refuse_other_key(sl_link *link) {
    sl_monitor_refuse(link,
                      "the viewer at %.60s broke the secure handshake off: its key is another than "
                      "that in %.200s, or it uses another pattern than %s",
                      link->far_end, link->security.place, sl_pattern_name(link->pattern));
}

/* What pattern it uses is a secret, too, when it knows this end. */
static void refuse_silent_viewer(sl_link *link) {
    sl_monitor_refuse(
        link,
        "the viewer at %.60s lets this end in and says nothing to it: it uses another "
        "pattern than %s, or hangs; give both ends the same --pattern",
        link->far_end, sl_pattern_name(link->pattern));
}

/* Those who shook hands with this end and never spoke to it were no peers. */
static void uncount_unheard(sl_link *link) {
    pthread_mutex_lock(&link->lock);
    uint64_t counted = link->state.connects;
    link->state.connects -= link->unheard < counted ? link->unheard : counted;
    pthread_mutex_unlock(&link->lock);
    link->unheard = 0;
}

bool sl_refusal_question(sl_link *link) {
    char why[SL_MISMATCH_MAX];
    sl_manner manner = sl_link_manner(link);
    sl_greeting greeting = ask_viewer(link);
    link->question_us = sl_deadline_us(QUESTION_MS);
    if (sl_greeting_tells(&greeting, manner) &&
        sl_greeting_mismatch(&greeting, manner, link->far_end, why))
        sl_monitor_refuse(link, "%s", why);
    else if (!manner.secure || !greeting.mechanism[0])
        return false;
    else if (link->unheard > 0)
        refuse_silent_viewer(link);
    else
        refuse_other_key(link);
    uncount_unheard(link);
    return true;
}

/* Which of two ends that don't match finds out first, and ends the connection, is chance; the
 * other one hears nothing but the end. So does who came to a tunnel without a far end. A receiver
 * can ask nobody, and many only look whether it is there before they come; it tells of one in doubt
 * where it has told of nobody yet. */
void sl_refusal_doubt(sl_link *link) {
    if (link->role != SL_ROLE_SENDER) {
        if (!link->state.connected && !link->state.refused && !link->doubt_us)
            link->doubt_us = sl_deadline_us(RETURN_MS);
        return;
    }
    if (++link->broken_off < BROKEN_OFF || sl_now_us() < link->question_us)
        return;
    link->broken_off = 0;
    sl_refusal_question(link);
}

/* "the sender at 192.0.2.7:40112", as far as it is known. */
static void name_sender(const sl_peer *peer, char text[SL_PEER_NAME_MAX + 16]) {
    snprintf(text, SL_PEER_NAME_MAX + 16, "%s%s", peer->name[0] ? "the sender at " : "a sender",
             peer->name);
}

static void refuse_key(sl_link *link) {
    char sentence[SL_VISITOR_MAX];
    sl_security_take_visitor(&link->security, sentence);
    if (link->role == SL_ROLE_SENDER)
        sl_monitor_refuse(link,
                          "the viewer at %.60s does not let this end in: its public_keys have no "
                          "file with this end's key; put what `sightline keys export camera` "
                          "prints here into one",
                          link->far_end);
    else
        sl_monitor_refuse(link, "%s", sentence[0] ? sentence : "a sender's key is not known here");
}

static void refuse_protocol(sl_link *link, const sl_peer *peer, uint64_t code) {
    char who[SL_PEER_NAME_MAX + 16];
    name_sender(peer, who);
    bool sends = link->role == SL_ROLE_SENDER;
    if (code == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH && sends)
        refuse_viewer(link);
    else if (code == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH)
        sl_monitor_refuse(link,
                          "%s uses another security than secure_mode %d asks for here; give both "
                          "ends the same secure_mode",
                          who, link->security.mode);
    else if (code == ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC && sends)
        refuse_other_key(link);
    else if (code == ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC)
        sl_monitor_refuse(link,
                          "%s has another server.key than this viewer's; put what `sightline keys "
                          "export viewer` prints here into that file there",
                          who);
    else
        sl_monitor_refuse(link, "the peer does not keep to ZeroMQ's protocol (error %#x)",
                          (unsigned)code);
}

/* Receiver: what to do about a sender of which nothing is known but that it has another pattern.
 * With live it may well be NetGear's, which says nothing itself. */
static const char *advice(const sl_link *link) {
    return link->pattern == SL_PATTERN_LIVE
               ? "give both ends the same --pattern: for a NetGear sender with pattern 0, 1 or 2 "
                 "that is pair, reqrep or pubsub here"
               : "give both ends the same --pattern";
}

/* Receiver: " to port 5555", where it is one. */
static void name_port(const sl_link *link, char text[32]) {
    text[0] = '\0';
    if (link->state.port)
        snprintf(text, 32, " to port %d", link->state.port);
}

static void refuse_stranger(sl_link *link) {
    char where[32];
    name_port(link, where);
    if (link->role == SL_ROLE_SENDER)
        refuse_viewer(link);
    else
        sl_monitor_refuse(link,
                          "a program that connected%s uses another pattern than %s, or is no "
                          "sender; %s",
                          where, sl_pattern_name(link->pattern), advice(link));
}

void sl_refusal_left(sl_link *link) {
    char where[32];
    name_port(link, where);
    sl_monitor_refuse(link,
                      "a program that connected%s left before it was known: it only looked, or is "
                      "a sender with another pattern than %s; %s",
                      where, sl_pattern_name(link->pattern), advice(link));
}

void sl_refusal_judge(sl_link *link, const sl_peer *peer, uint64_t failure, uint64_t code) {
    switch (failure) {
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        sl_log(SL_LOG_DEBUG, "link", "a connection ended before its handshake: %s",
               zmq_strerror((int)code));
        sl_refusal_doubt(link);
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        refuse_key(link);
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        refuse_protocol(link, peer, code);
        break;
    default: /* libzmq says nothing more of another socket type, nor of bytes that aren't ZMTP */
        refuse_stranger(link);
    }
}

void sl_refusal_confused(sl_link *link, const sl_peer *peer, const char *socket_type) {
    char who[SL_PEER_NAME_MAX + 16], why[SL_MISMATCH_MAX], what[SL_ADVICE_MAX];
    const char *ours = sl_pattern_name(link->pattern);
    const char *theirs = sl_greeting_pattern_of(socket_type, false);
    sl_greeting greeting = {.zmtp = true};
    if (link->role == SL_ROLE_SENDER) {
        snprintf(greeting.socket_type, sizeof greeting.socket_type, "%s",
                 socket_type ? socket_type : "");
        sl_greeting_mismatch(&greeting, sl_link_manner(link), link->far_end, why);
        sl_monitor_refuse(link, "%s", why);
        uncount_unheard(link);
        return;
    }
    name_sender(peer, who);
    if (theirs) {
        sl_greeting_advise(what, ours, theirs, "sender");
        sl_monitor_refuse(link, "%s uses the pattern %s, not %s; %s", who, theirs, ours, what);
    } else
        sl_monitor_refuse(link, "%s uses another pattern, not %s; %s", who, ours, advice(link));
}

void sl_refusal_silent(sl_link *link, const sl_peer *peer, bool stays) {
    char who[SL_PEER_NAME_MAX + 16];
    const char *ours = sl_pattern_name(link->pattern);
    name_sender(peer, who);
    if (stays)
        sl_monitor_refuse(link,
                          "%s said nothing and was disconnected: it is no sender with the pattern "
                          "%s, or another one has the identity that it chose",
                          who, ours);
    else
        sl_monitor_refuse(link,
                          "%s left without a word: it uses another pattern than %s, or is no "
                          "sender; give both ends the same --pattern",
                          who, ours);
}
