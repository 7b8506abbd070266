/* tunnel: round trip, throughput and clock of the SSH server. Used by the libssh back-end. */
#include "tunnel/measure.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"
#include "tunnel/gate_clock.h"

#include <libssh/server.h> /* for ssh_send_keepalive() */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define ASKS        5                  /* the quickest answer counts */
#define FLOOD_MOST  ((size_t)2 << 20)  /* bytes, */
#define FLOOD_MS    1000               /* or this long */
#define FLOOD_CHUNK ((size_t)16 << 10) /* every server takes 32 KiB */
#define UNSENT_MOST ((size_t)64 << 10) /* may wait in the kernel when the time is over */

/* Asks the server, and waits for its answer; see alive.c about how. */
static int ask(sl_session *session) {
    uint64_t heard = session->packet_counter.in_packets;
    int64_t deadline_us = sl_deadline_us(1000 * session->job->plan.settings.connect_timeout_s);
    ssh_send_keepalive(session->ssh);
    ssh_send_keepalive(session->ssh);
    while (session->packet_counter.in_packets == heard) {
        int code = sl_session_wait(session, deadline_us);
        if (code < 0)
            return code;
        if (!sl_session_drive(session))
            return sl_session_fail_lost(session);
    }
    return SL_OK;
}

static int measure_round_trip(sl_session *session, sl_tunnel_measures *measures) {
    for (int i = 0; i < ASKS; i++) {
        int64_t asked_us = sl_now_us();
        int code = ask(session);
        if (code < 0)
            return code;
        double took_ms = (double)(sl_now_us() - asked_us) / 1e3;
        if (i == 0 || took_ms < measures->round_trip_ms)
            measures->round_trip_ms = took_ms;
    }
    return SL_OK;
}

/* Hands over what the server ignores, no faster than it leaves. */
static int flood(sl_session *session, const char *chunk, uint64_t *bytes) {
    int64_t until_us = sl_deadline_us(FLOOD_MS);
    while (*bytes < FLOOD_MOST) {
        int code = sl_wait(session->descriptor, POLLOUT, session->job->stop, until_us);
        if (code < 0)
            return code == SL_EAGAIN ? SL_OK : code;
        if (!(ssh_get_status(session->ssh) & SSH_WRITE_PENDING)) {
            ssh_send_ignore(session->ssh, chunk);
            *bytes += FLOOD_CHUNK;
        }
        if (!sl_session_drive(session))
            return sl_session_fail_lost(session);
    }
    return SL_OK;
}

/* The answer comes once the server has read all that went before the question. */
static int measure_throughput(sl_session *session, sl_tunnel_measures *measures) {
    char *chunk = malloc(FLOOD_CHUNK + 1);
    if (!chunk)
        return sl_fail_memory();
    memset(chunk, '.', FLOOD_CHUNK);
    chunk[FLOOD_CHUNK] = '\0';
    sl_session_bound_unsent(session, UNSENT_MOST);
    int64_t began_us = sl_now_us();
    int code = flood(session, chunk, &measures->bytes);
    free(chunk);
    if (code == SL_OK)
        code = ask(session);
    if (code < 0)
        return code;
    measures->took_ms = (double)(sl_now_us() - began_us) / 1e3 - measures->round_trip_ms;
    return SL_OK;
}

/* The server told its time when it greeted, which was after we were connected and before we heard
 * it: in the middle, as far as can be known. */
static void measure_clock(const sl_session *session, sl_tunnel_measures *measures) {
    int64_t told_us;
    measures->clock_known = sl_gate_clock_read(session->heard, &told_us);
    if (!measures->clock_known)
        return;
    double waited_ms = (double)(session->heard_us - session->job->connected_us) / 1e3;
    measures->clock_error_ms = waited_ms / 2;
    measures->clock_ahead_ms =
        ((double)told_us - (double)session->heard_utc_us) / 1e3 + measures->clock_error_ms;
}

int sl_measure(sl_session *session, sl_tunnel_measures *measures) {
    *measures = (sl_tunnel_measures){0};
    measure_clock(session, measures);
    int code = measure_round_trip(session, measures);
    return code < 0 ? code : measure_throughput(session, measures);
}
