/* base: counting what goes through local sockets. Called by the tunnel, which writes, and by the
 * link, which asks. */
#include "base/meter.h"
#include "base/error.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

typedef struct socket_name {
    struct sockaddr_un address;
    socklen_t size;
} socket_name;

struct sl_meter {
    sl_meter *next;
    socket_name name;
    int users;
    _Atomic uint64_t bytes;
};

/* Guards the list, its links and users. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sl_meter *meters;

/* Reads what getsockname() or getpeername() says. False for a socket of another kind, or one
 * without a name. */
static bool read_name(socket_name *name, int descriptor,
                      int (*ask)(int, struct sockaddr *, socklen_t *)) {
    name->size = sizeof(name->address);
    return ask(descriptor, (struct sockaddr *)&name->address, &name->size) == 0 &&
           name->address.sun_family == AF_UNIX &&
           name->size > offsetof(struct sockaddr_un, sun_path) &&
           name->size <= sizeof(name->address);
}

/* NULL if there is none such. Under the lock. */
static sl_meter *find(const socket_name *name) {
    sl_meter *meter = meters;
    while (meter && (meter->name.size != name->size ||
                     memcmp(&meter->name.address, &name->address, name->size) != 0))
        meter = meter->next;
    return meter;
}

int sl_meter_name_socket(int descriptor) {
    /* The kernel finds one that is free, outside of the file system. */
    const struct sockaddr any = {.sa_family = AF_UNIX};
    if (bind(descriptor, &any, sizeof(any.sa_family)) == 0)
        return SL_OK;
    return sl_fail(SL_ESYSTEM, "cannot name a local socket: %s", strerror(errno));
}

int sl_meter_open(sl_meter **meter, int descriptor) {
    socket_name own;
    *meter = NULL;
    if (!read_name(&own, descriptor, getsockname))
        return sl_fail(SL_ESYSTEM, "a local socket without a name can't be metered");
    pthread_mutex_lock(&lock);
    sl_meter *found = find(&own);
    if (!found && (found = calloc(1, sizeof(*found)))) {
        found->name = own;
        found->next = meters;
        meters = found;
    }
    if (found)
        found->users++;
    pthread_mutex_unlock(&lock);
    *meter = found;
    return found ? SL_OK : sl_fail_memory();
}

void sl_meter_add(sl_meter *meter, size_t bytes) {
    atomic_fetch_add_explicit(&meter->bytes, bytes, memory_order_relaxed);
}

bool sl_meter_read(int descriptor, uint64_t *bytes) {
    socket_name other;
    if (!read_name(&other, descriptor, getpeername))
        return false;
    pthread_mutex_lock(&lock);
    const sl_meter *meter = find(&other);
    if (meter)
        *bytes = atomic_load_explicit(&meter->bytes, memory_order_relaxed);
    pthread_mutex_unlock(&lock);
    return meter != NULL;
}

void sl_meter_close(sl_meter **meter) {
    sl_meter *closing = *meter;
    *meter = NULL;
    if (!closing)
        return;
    pthread_mutex_lock(&lock);
    bool last = --closing->users == 0;
    if (last) {
        sl_meter **at = &meters;
        while (*at != closing)
            at = &(*at)->next;
        *at = closing->next;
    }
    pthread_mutex_unlock(&lock);
    if (last)
        free(closing);
}
