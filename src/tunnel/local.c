/* tunnel: the local end. Used by all who move bytes there, each on its own thread. */
#include "tunnel/local.h"
#include "base/clock.h"
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 16
#define REST_MS 100 /* when the system has no descriptor left for a connection */

int sl_local_listen(int *descriptor, const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    unlink(path);
    *descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*descriptor >= 0 && bind(*descriptor, (struct sockaddr *)&address, sizeof(address)) == 0 &&
        listen(*descriptor, BACKLOG) == 0)
        return SL_OK;
    int code =
        sl_fail(SL_ESYSTEM, "cannot listen at the tunnel's own end, %s: %s", path, strerror(errno));
    sl_local_close(descriptor, path);
    return code;
}

int sl_local_accept(int descriptor, int64_t *rest_until_us) {
    int accepted = accept4(descriptor, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (accepted < 0 && errno != EAGAIN)
        *rest_until_us = sl_deadline_us(REST_MS);
    return accepted;
}

int sl_local_connect(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor >= 0 && (sl_meter_name_socket(descriptor) < 0 ||
                            connect(descriptor, (struct sockaddr *)&address, sizeof(address)) < 0))
        sl_local_close(&descriptor, NULL);
    return descriptor;
}

ssize_t sl_local_give(int descriptor, const char *bytes, size_t size, sl_meter *meter) {
    ssize_t taken = send(descriptor, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (taken < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (meter)
        sl_meter_add(meter, (size_t)taken);
    return taken;
}

void sl_local_close(int *descriptor, const char *path) {
    if (*descriptor < 0)
        return;
    close(*descriptor);
    *descriptor = -1;
    if (path)
        unlink(path);
}
