/* base: counting what goes through local sockets, which the kernel counts of TCP connections alone.
 * Who writes into one counts it here; who has its other end, and knows no more of the writer than
 * the name that the kernel gives his socket, asks how much it was. From any thread. */
#ifndef BASE_METER_H
#define BASE_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What was written into the sockets of one name: a connection's own, or, of those that were
 * accepted at one place, all together. */
typedef struct sl_meter sl_meter;

/* Gives a local socket that is about to connect a name of its own. SL_ESYSTEM. */
int sl_meter_name_socket(int descriptor);

/* The meter of a socket's name, which lives as long as one of those who opened it has it.
 * SL_ENOMEM; SL_ESYSTEM for a socket without a name. */
int sl_meter_open(sl_meter **meter, int descriptor);

void sl_meter_add(sl_meter *meter, size_t bytes);

/* What has been written so far into the socket, or the sockets, at the other end of this one. False
 * when nobody counts that. */
bool sl_meter_read(int descriptor, uint64_t *bytes);

/* Sets NULL; safe on NULL. */
void sl_meter_close(sl_meter **meter);

#endif
