/* tunnel: jump hosts. Each of them is a tunnel of its own, through which the session to the next
 * server runs: SSH within SSH, so that no jump host sees more than where it leads. */
#ifndef TUNNEL_JUMP_H
#define TUNNEL_JUMP_H

#include "tunnel/backend.h"

/* Checks the lists of jump hosts and of their keys. SL_EINVAL with what is wrong. */
int sl_jump_check(const sl_tunnel_settings *settings);

/* Has the way to the job's SSH server made, or waits until it is up again, as long as that takes;
 * without jump hosts there is nothing to do. SL_OK, SL_ECANCELED, or why a jump host never will
 * be; SL_EUNREACHABLE when the last of them can't reach the server at first. */
int sl_jump_reach(sl_tunnel_job *job);

/* Connects to the server by that way. The descriptor is non-blocking. SL_EUNREACHABLE. */
int sl_jump_dial(int *descriptor, const sl_tunnel_job *job);

/* After a failure: where it is a jump host's, gives its sentence. Returns `code`. */
int sl_jump_explain(const sl_tunnel_job *job, int code);

/* How many bytes, about, were handed to that way and have not reached the kernel of the first jump
 * host yet; 0 without jump hosts. */
uint64_t sl_jump_under_way(const sl_tunnel_job *job);

#endif
