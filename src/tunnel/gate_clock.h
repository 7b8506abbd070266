/* tunnel: how a gate tells its clock: in its SSH greeting, as RFC 4253's comment. See
 * docs/PROTOCOL.md. Pure. */
#ifndef TUNNEL_GATE_CLOCK_H
#define TUNNEL_GATE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What follows "SSH-2.0-" in a gate's greeting at a time. */
void sl_gate_clock_write(char *text, size_t size, int64_t utc_us);

/* The time in an SSH server's whole greeting; false: it tells none. */
bool sl_gate_clock_read(const char *greeting, int64_t *utc_us);

#endif
