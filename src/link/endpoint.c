/* link: where to connect to and what to bind. Used by this room alone but for
 * sl_link_endpoint(). */
#include "base/error.h"
#include "link/room.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
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

/* An IPv6 address, perhaps with a zone: "fe80::1%eth0". */
static bool is_ipv6(const char *host) {
    char address[INET6_ADDRSTRLEN];
    struct in6_addr parsed;
    size_t length = strcspn(host, "%");
    if (length >= sizeof address)
        return false;
    memcpy(address, host, length);
    address[length] = '\0';
    return inet_pton(AF_INET6, address, &parsed) == 1;
}

static bool is_name(const char *host) {
    return *host && strspn(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                 "0123456789-_.") == strlen(host);
}

static bool is_ipv4(const char *host) {
    struct in_addr parsed;
    return inet_pton(AF_INET, host, &parsed) == 1;
}

static int fail_address(const char *address) {
    return sl_fail(SL_EINVAL,
                   "\"%.200s\" is no address: give a host name or an IP address, and its port "
                   "with --port",
                   address);
}

static int write_tcp(char *endpoint, size_t size, const char *host, int port) {
    bool brackets = is_ipv6(host);
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
    if (is_ipv6(host) || (!bracketed && is_name(host)))
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

static int look_up(const char *host, struct addrinfo **found) {
    struct addrinfo wish = {.ai_socktype = SOCK_STREAM};
    return getaddrinfo(host, NULL, &wish, found);
}

int sl_place_look_up(const sl_place *place, bool *ipv4, bool *ipv6) {
    *ipv6 = !place->local && is_ipv6(place->host);
    *ipv4 = !*ipv6;
    /* NetGear listens on IPv4 only, so that is where "localhost" leads. */
    if (place->local || *ipv6 || is_ipv4(place->host) || strcmp(place->host, "localhost") == 0)
        return SL_OK;
    struct addrinfo *found = NULL;
    int result = look_up(place->host, &found);
    if (result == EAI_NONAME || result == EAI_NODATA)
        return sl_fail(SL_EUNREACHABLE, "there is no host called \"%.200s\"; check --address",
                       place->host);
    if (result)
        return SL_OK;
    *ipv4 = false;
    for (const struct addrinfo *each = found; each; each = each->ai_next) {
        *ipv4 |= each->ai_family == AF_INET;
        *ipv6 |= each->ai_family == AF_INET6;
    }
    freeaddrinfo(found);
    return SL_OK;
}

/* The first address of a name, preferring IPv4; "" if it has none. */
static void first_address(const char *host, char *address, size_t size) {
    struct addrinfo *found = NULL;
    *address = '\0';
    if (look_up(host, &found))
        return;
    const struct addrinfo *chosen = found;
    while (chosen && chosen->ai_family != AF_INET)
        chosen = chosen->ai_next;
    if (!chosen)
        chosen = found;
    if (chosen && getnameinfo(chosen->ai_addr, chosen->ai_addrlen, address, (socklen_t)size, NULL,
                              0, NI_NUMERICHOST))
        *address = '\0';
    freeaddrinfo(found);
}

int sl_place_write(const sl_place *place, char *endpoint, size_t size) {
    if (!place->local)
        return write_tcp(endpoint, size, place->host, place->port);
    snprintf(endpoint, size, IPC "%s", place->host);
    return SL_OK;
}

int sl_place_bindable(const sl_place *place, char *endpoint, size_t size) {
    if (place->local)
        return sl_place_write(place, endpoint, size);
    char address[SL_HOST_MAX];
    bool literal = strcmp(place->host, "*") == 0 || is_ipv6(place->host) || is_ipv4(place->host);
    if (literal)
        snprintf(address, sizeof address, "%s", place->host);
    else
        first_address(place->host, address, sizeof address);
    if (!*address)
        return sl_fail(SL_EINVAL,
                       "there is no address for \"%.200s\" on this machine; give one of its own "
                       "with --address, or none to listen on all",
                       place->host);
    return write_tcp(endpoint, size, address, place->port);
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
