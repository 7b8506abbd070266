/* link: where to connect to and what to bind. Used by this room alone but for
 * sl_link_endpoint(). */
#include "base/error.h"
#include "base/resolve.h"
#include "link/room.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define TCP "tcp://"
#define IPC "ipc://"

static const size_t path_most = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;

static bool is_name(const char *host) {
    return *host && strspn(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                 "0123456789-_.") == strlen(host);
}

static int fail_address(const char *address) {
    return sl_fail(SL_EINVAL,
                   "\"%.200s\" is no address: give a host name or an IP address, and its port "
                   "with --port",
                   address);
}

static int write_tcp(char *endpoint, size_t size, const char *host, int port) {
    bool brackets = sl_is_ipv6(host);
    int length = snprintf(endpoint, size, TCP "%s%s%s:%d", brackets ? "[" : "", host,
                          brackets ? "]" : "", port);
    if (length < 0 || (size_t)length >= size)
        return sl_fail(SL_EINVAL, "the address \"%.60s…\" is too long", host);
    return SL_OK;
}

/* The host without the brackets that an IPv6 address may come in. */
static int clean_host(const char *address, char *host, size_t size) {
    size_t length = strlen(address);
    bool bracketed = length > 1 && address[0] == '[' && address[length - 1] == ']';
    if (bracketed) {
        address++;
        length -= 2;
    }
    if (length >= size)
        return fail_address(address);
    memcpy(host, address, length);
    host[length] = '\0';
    if (sl_is_ipv6(host) || (!bracketed && is_name(host)))
        return SL_OK;
    return fail_address(address);
}

static int tcp_endpoint(const sl_link_settings *settings, sl_role role, char *endpoint,
                        size_t size) {
    const char *address = settings->address;
    if (!address)
        address = role == SL_ROLE_SENDER ? "localhost" : "*";
    if (role == SL_ROLE_SENDER && settings->port == 0)
        return sl_fail(SL_EINVAL, "port 0 is for a viewer only; give the port it listens on");
    if (settings->port < 0 || settings->port > 65535)
        return sl_fail(SL_EINVAL, "port must be from 0 to 65535, not %d", settings->port);
    if (strcmp(address, "*") == 0 && role == SL_ROLE_RECEIVER)
        return write_tcp(endpoint, size, address, settings->port);
    char host[SL_HOST_MAX];
    int result = clean_host(address, host, sizeof host);
    if (result)
        return result;
    return write_tcp(endpoint, size, host, settings->port);
}

/* NetGear makes the file's name of address and port, so both ends meet only if Sightline does. */
static int ipc_endpoint(const sl_link_settings *settings, char *endpoint, size_t size) {
    const char *path = settings->address;
    if (!path || !*path || strcmp(path, "*") == 0)
        return sl_fail(SL_EINVAL, "protocol ipc needs a path: give it with --address");
    int length = snprintf(endpoint, size, IPC "%s:%d", path, settings->port);
    length -= (int)strlen(IPC);
    if ((size_t)length > path_most || (size_t)length + strlen(IPC) >= size)
        return sl_fail(SL_EINVAL,
                       "the socket path \"%.120s\" with its port is %d bytes long, and %zu is the "
                       "most; choose a shorter one",
                       path, length, path_most);
    return SL_OK;
}

int sl_link_endpoint(const sl_link_settings *settings, sl_role role, char *endpoint, size_t size) {
    if (settings->protocol == SL_PROTOCOL_IPC)
        return ipc_endpoint(settings, endpoint, size);
    return tcp_endpoint(settings, role, endpoint, size);
}

static int parse_tcp(sl_place *place, const char *rest, const char *endpoint) {
    const char *colon = strrchr(rest, ':');
    char *end = NULL;
    long port = colon ? strtol(colon + 1, &end, 10) : -1;
    if (!colon || end == colon + 1 || *end || port < 0 || port > 65535)
        return sl_fail(SL_EINVAL, "\"%.200s\" is no endpoint: it has no port", endpoint);
    bool bracketed = rest[0] == '[' && colon > rest + 1 && colon[-1] == ']';
    if (bracketed)
        rest++;
    int length = (int)(colon - rest) - (bracketed ? 1 : 0);
    snprintf(place->host, sizeof place->host, "%.*s", length, rest);
    place->port = (int)port;
    return SL_OK;
}

int sl_place_parse(sl_place *place, const char *endpoint) {
    memset(place, 0, sizeof *place);
    if (strlen(endpoint) >= SL_ENDPOINT_MAX)
        return sl_fail(SL_EINVAL, "the endpoint \"%.60s…\" is too long", endpoint);
    if (strncmp(endpoint, TCP, strlen(TCP)) == 0)
        return parse_tcp(place, endpoint + strlen(TCP), endpoint);
    if (strncmp(endpoint, IPC, strlen(IPC)) != 0)
        return sl_fail(SL_EINVAL, "\"%.200s\" is no endpoint: it is neither tcp nor ipc", endpoint);
    place->local = true;
    snprintf(place->host, sizeof place->host, "%s", endpoint + strlen(IPC));
    if (strlen(place->host) > path_most)
        return sl_fail(SL_EINVAL, "the socket path \"%.120s\" is longer than %zu bytes",
                       place->host, path_most);
    return SL_OK;
}

int sl_place_write(const sl_place *place, char *endpoint, size_t size) {
    if (!place->local)
        return write_tcp(endpoint, size, place->host, place->port);
    snprintf(endpoint, size, IPC "%s", place->host);
    return SL_OK;
}

/* Whether a program listens on a socket file: a connection is tried, and dropped. */
static int try_to_connect(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return sl_fail(SL_ESYSTEM, "cannot make a socket: %s", strerror(errno));
    int refused = connect(fd, (struct sockaddr *)&address, sizeof address) ? errno : 0;
    close(fd);
    if (refused == 0 || refused == EAGAIN)
        return sl_fail(SL_EINUSE,
                       "another program listens on %s; choose another --address, or stop it", path);
    if (refused == ECONNREFUSED || refused == ENOENT)
        return SL_OK;
    return sl_fail(SL_EINVAL, "cannot use the socket file %s: %s", path, strerror(refused));
}

int sl_place_check_file(const char *path) {
    struct stat status;
    if (path[0] == '@' || lstat(path, &status))
        return SL_OK;
    if (!S_ISSOCK(status.st_mode))
        return sl_fail(SL_EINVAL, "%s is there already and is no socket; choose another --address",
                       path);
    return try_to_connect(path);
}
