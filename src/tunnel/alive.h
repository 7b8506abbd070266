/* tunnel: noticing that the other end of an SSH session is not there any more. Belongs to the
 * tunnel's thread, as the session does. */
#ifndef TUNNEL_ALIVE_H
#define TUNNEL_ALIVE_H

#include "tunnel/session.h"

typedef struct sl_alive {
    sl_session *session; /* borrowed */
    uint64_t in_bytes;   /* that had come when last looked */
    int64_t heard_us;    /* when any last came */
    uint64_t acked;      /* bytes of ours that the peer's kernel has, when last looked */
    uint32_t delivered;  /* packets that it has, also those after a gap */
    int64_t moved_us;    /* when these last grew by what leads up to our question */
    bool shut;           /* its window was: it has them unread */
    int64_t looked_us;   /* when they were last looked at */
    int64_t asked_us;    /* when the question was put; 0: none is open */
    uint64_t left_at;    /* while libssh's count of bytes is still this, it has the question */
    uint64_t through_at; /* the count of acknowledged bytes by which the peer has it; 0: unknown */
    bool doubted;        /* something has happened: ask now */
} sl_alive;

void sl_alive_init(sl_alive *alive, sl_session *session);

/* The network has changed: the peer is asked at the next check, however recently it was heard. */
void sl_alive_doubt(sl_alive *alive);

/* To be called when the session was driven, before more is handed to it. Asks the server when it
 * was silent for long, and gives up when it stays so: SL_OK or SL_EUNREACHABLE with a sentence.
 * Never waits. */
int sl_alive_check(sl_alive *alive);

/* What TCP tells at a look (Linux's struct tcp_info), and how many bytes were handed to it and not
 * acknowledged. Arithmetic alone, for sl_alive_check(). */
struct tcp_info;
void sl_alive_note(sl_alive *alive, int64_t now_us, const struct tcp_info *info, uint64_t waiting);

/* Milliseconds until the next check is due, for poll(). */
int sl_alive_timeout_ms(const sl_alive *alive);

#endif
