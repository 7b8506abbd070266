/* tunnel: noticing that the other end of an SSH session is not there any more. Used by the pump.
 *
 * TCP alone can't tell: a stopped server's kernel goes on acknowledging. So the server itself is
 * asked, by the global request keepalive@openssh.com, which every server must answer if only by
 * "no". ssh_send_keepalive() waits for the answer in a blocking session; in ours, which never is,
 * it hands the question over and returns. libssh has one place for the answer to any global
 * request, though: none other may be under way while a tunnel is carrying.
 *
 * Whatever comes in counts as life, not only the answer. On a slow path the question waits behind
 * what was handed over before; until the peer's kernel has it, bytes that get acknowledged count
 * too, unless its window shuts: then nobody reads them there. From then on only an answer does.
 * Packets count like these that were delivered while others are still out, since after a gap no
 * bytes are acknowledged. Behind a jump host it is the kernel of the first one that acknowledges:
 * what the tunnels on the way hold, and TCP at their end, is still to be. The questions that it is
 * asked itself come and go, with nothing else out, and are no life of who is behind it. */
#include "tunnel/alive.h"
#include "base/clock.h"
#include "base/error.h"
#include "tunnel/jump.h"

#include <libssh/server.h> /* for ssh_send_keepalive() */
#include <linux/sockios.h>
#include <linux/tcp.h> /* glibc's struct tcp_info has no tcpi_bytes_acked */
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define ASKS_IN  3    /* this part of the time-out is the silence after which the server is asked */
#define LOOKS_IN 32   /* this part of it is between looks at what TCP has got across */
#define SHUT     1460 /* bytes: a window that takes no packet of Ethernet's */
#define EARLIER  4    /* so many looks before the time-out it is given up, to keep within it */

static int64_t patience_us(const sl_alive *alive) {
    return alive->session->job->plan.settings.alive_timeout_s * SL_SECOND_US;
}

/* What has got across, and how much of what was sent has not. */
static struct tcp_info across(const sl_alive *alive, uint64_t *waiting) {
    const sl_session *session = alive->session;
    struct tcp_info info = {.tcpi_snd_wnd = SHUT}; /* as it stays when it can't be told */
    socklen_t size = sizeof(info);
    int unsent = 0;
    ioctl(session->descriptor, SIOCOUTQ, &unsent);
    *waiting = (uint64_t)unsent + sl_jump_under_way(session->job);
    if (getsockopt(session->descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) < 0 &&
        session->socket_counter.out_bytes > *waiting)
        info.tcpi_bytes_acked = session->socket_counter.out_bytes - *waiting;
    if (session->job->outer)
        sl_tunnel_packets(session->job->outer, &info.tcpi_delivered, &info.tcpi_unacked);
    return info;
}

static bool is_sending(const sl_alive *alive) {
    return ssh_get_status(alive->session->ssh) & SSH_WRITE_PENDING;
}

void sl_alive_init(sl_alive *alive, sl_session *session) {
    int64_t now_us = sl_now_us();
    *alive = (sl_alive){.session = session, .heard_us = now_us, .moved_us = now_us};
    alive->in_bytes = session->socket_counter.in_bytes;
    struct tcp_info info = across(alive, &(uint64_t){0});
    alive->acked = info.tcpi_bytes_acked;
    alive->delivered = info.tcpi_delivered;
    /* For TCP twice as long, since a loss at a slow path alone can hold back what is acknowledged
     * for seconds. */
    int most_ms = 2000 * session->job->plan.settings.alive_timeout_s;
    setsockopt(session->descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &most_ms, sizeof(most_ms));
}

void sl_alive_doubt(sl_alive *alive) {
    alive->doubted = true;
}

static void ask(sl_alive *alive, int64_t now_us) {
    alive->left_at = alive->session->socket_counter.out_bytes;
    alive->through_at = 0;
    alive->asked_us = now_us;
    alive->doubted = false;
    /* The first call may do no more than to collect the answer to the last question. */
    ssh_send_keepalive(alive->session->ssh);
    ssh_send_keepalive(alive->session->ssh);
}

static bool is_through(const sl_alive *alive) {
    return alive->through_at > 0 && alive->acked >= alive->through_at;
}

void sl_alive_note(sl_alive *alive, int64_t now_us, const struct tcp_info *info, uint64_t waiting) {
    alive->looked_us = now_us;
    alive->shut = info->tcpi_snd_wnd < SHUT;
    bool moves = info->tcpi_bytes_acked > alive->acked ||
                 (info->tcpi_delivered != alive->delivered && info->tcpi_unacked > 0);
    if (moves && !(alive->asked_us && is_through(alive)))
        alive->moved_us = now_us;
    if (alive->asked_us && !alive->through_at &&
        alive->session->socket_counter.out_bytes != alive->left_at)
        alive->through_at = info->tcpi_bytes_acked + waiting;
    /* What jump hosts hold is an estimate, which can go up. */
    if (info->tcpi_bytes_acked > alive->acked)
        alive->acked = info->tcpi_bytes_acked;
    alive->delivered = info->tcpi_delivered;
}

static void look(sl_alive *alive, int64_t now_us) {
    uint64_t waiting;
    struct tcp_info info = across(alive, &waiting);
    sl_alive_note(alive, now_us, &info, waiting);
}

/* When it is to be given up, unless something moves before; some looks earlier than the time-out:
 * one may have seen late that something moved, the one that gives up comes late itself, and what
 * follows takes its time on a busy machine. Who was asked late has less time for the answer, but
 * never less than it may be silent unasked. */
static int64_t gives_up_us(const sl_alive *alive) {
    int64_t left_us = patience_us(alive) - EARLIER * patience_us(alive) / LOOKS_IN;
    int64_t silence_us = patience_us(alive) / ASKS_IN;
    if (alive->shut)
        return sl_later_us(alive->heard_us + left_us, alive->moved_us + silence_us);
    int64_t last_us = sl_later_us(alive->heard_us, alive->moved_us), over_us = last_us + left_us;
    if (!alive->asked_us)
        return over_us;
    if (alive->asked_us < last_us + silence_us)
        return sl_later_us(last_us, alive->asked_us) + left_us - silence_us;
    return sl_later_us(over_us, alive->asked_us + silence_us);
}

int sl_alive_check(sl_alive *alive) {
    int64_t now_us = sl_now_us();
    if (alive->session->socket_counter.in_bytes != alive->in_bytes) {
        alive->in_bytes = alive->session->socket_counter.in_bytes;
        alive->heard_us = now_us;
        alive->asked_us = 0;
    }
    bool due = now_us >= alive->looked_us + patience_us(alive) / LOOKS_IN;
    if (due)
        look(alive, now_us);
    if (!alive->asked_us && !is_sending(alive)) {
        if (alive->doubted || now_us >= alive->heard_us + patience_us(alive) / ASKS_IN)
            ask(alive, now_us);
        return SL_OK;
    }
    if (!due || now_us < gives_up_us(alive))
        return SL_OK;
    return sl_fail(SL_EUNREACHABLE,
                   "the SSH server at %s is silent: nothing came from it for %.1f s; it is stuck, "
                   "or the network lets nothing through",
                   alive->session->job->plan.name, (double)(now_us - alive->heard_us) / 1e6);
}

int sl_alive_timeout_ms(const sl_alive *alive) {
    if (alive->asked_us || is_sending(alive))
        return sl_remaining_ms(alive->looked_us + patience_us(alive) / LOOKS_IN);
    if (alive->doubted)
        return 0;
    return sl_remaining_ms(alive->heard_us + patience_us(alive) / ASKS_IN);
}
