/* tests: somebody who sends back what they get. One thread, any number of connections. */
#include "echo.h"
#include "sshd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#define CONNECTIONS 32
#define CHUNK       (64 * 1024)
#define PATIENCE_MS 60000

struct connection {
    int descriptor;
    size_t start, end;
    char bytes[CHUNK];
};

static void serve(struct echo *echo, struct connection *connection, short happened) {
    ssize_t size;
    if ((happened & (POLLIN | POLLHUP | POLLERR)) && connection->start == connection->end) {
        size = recv(connection->descriptor, connection->bytes, CHUNK, MSG_DONTWAIT);
        if (size == 0 || (size < 0 && errno != EAGAIN)) {
            close(connection->descriptor);
            connection->descriptor = -1;
            return;
        }
        connection->start = 0;
        connection->end = size > 0 ? (size_t)size : 0;
        atomic_fetch_add(&echo->received, connection->end);
    }
    if (connection->start < connection->end) {
        size = send(connection->descriptor, connection->bytes + connection->start,
                    connection->end - connection->start, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (size > 0)
            connection->start += (size_t)size;
    }
}

static void *run(void *argument) {
    struct echo *echo = argument;
    struct connection *connections = calloc(CONNECTIONS, sizeof(*connections));
    struct pollfd polled[2 + CONNECTIONS];
    for (int i = 0; i < CONNECTIONS; i++)
        connections[i].descriptor = -1;
    for (;;) {
        int free_place = -1;
        polled[0] = (struct pollfd){.fd = echo->stop[0], .events = POLLIN};
        for (int i = 0; i < CONNECTIONS; i++) {
            struct connection *each = &connections[i];
            polled[2 + i] = (struct pollfd){.fd = each->descriptor,
                                            .events = each->start < each->end ? POLLOUT : POLLIN};
            if (each->descriptor < 0)
                free_place = i;
        }
        polled[1] = (struct pollfd){.fd = free_place < 0 ? -1 : echo->listener, .events = POLLIN};
        if (poll(polled, 2 + CONNECTIONS, -1) < 0 || polled[0].revents)
            break;
        for (int i = 0; i < CONNECTIONS; i++)
            if (connections[i].descriptor >= 0 && polled[2 + i].revents)
                serve(echo, &connections[i], polled[2 + i].revents);
        if (polled[1].revents) {
            connections[free_place].start = connections[free_place].end = 0;
            connections[free_place].descriptor = accept4(echo->listener, NULL, NULL, SOCK_CLOEXEC);
            atomic_fetch_add(&echo->accepted, 1);
        }
    }
    for (int i = 0; i < CONNECTIONS; i++)
        if (connections[i].descriptor >= 0)
            close(connections[i].descriptor);
    free(connections);
    return NULL;
}

static void start(struct echo *echo) {
    assert_int_equal(pipe2(echo->stop, O_CLOEXEC), 0);
    assert_int_equal(pthread_create(&echo->thread, NULL, run, echo), 0);
}

void echo_start(struct echo *echo) {
    *echo = (struct echo){.port = 0};
    echo->listener = listen_somewhere(&echo->port);
    start(echo);
}

void echo_start_at(struct echo *echo, const char *endpoint) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    *echo = (struct echo){.port = 0};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", endpoint + strlen("ipc://"));
    echo->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(echo->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(echo->listener, CONNECTIONS), 0);
    start(echo);
}

void echo_stop(struct echo *echo) {
    close(echo->stop[1]);
    pthread_join(echo->thread, NULL);
    close(echo->stop[0]);
    close(echo->listener);
}

/* The bytes of the sequence from `offset` on. */
static void fill(char *bytes, size_t size, size_t offset, uint32_t seed) {
    for (size_t i = 0; i < size; i++) {
        uint32_t word = (uint32_t)(offset + i) * 2654435761u + seed;
        bytes[i] = (char)(word >> 24);
    }
}

void echo_through(int descriptor, size_t size, uint32_t seed) {
    static _Thread_local char out[CHUNK], in[CHUNK], expected[CHUNK];
    size_t sent = 0, received = 0, out_start = 0, out_end = 0;
    while (received < size) {
        if (out_start == out_end && sent < size) {
            out_start = 0;
            out_end = size - sent < CHUNK ? size - sent : CHUNK;
            fill(out, out_end, sent, seed);
        }
        struct pollfd polled = {.fd = descriptor,
                                .events = (short)(POLLIN | (out_start < out_end ? POLLOUT : 0))};
        if (poll(&polled, 1, PATIENCE_MS) <= 0)
            fail_msg("nothing moves: %zu of %zu bytes sent, %zu received", sent, size, received);
        if (polled.revents & POLLOUT) {
            ssize_t step =
                send(descriptor, out + out_start, out_end - out_start, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (step > 0) {
                out_start += (size_t)step;
                sent += (size_t)step;
            }
        }
        if (polled.revents & (POLLIN | POLLHUP)) {
            ssize_t step = recv(descriptor, in, CHUNK, MSG_DONTWAIT);
            if (step == 0)
                fail_msg("ended after %zu of %zu bytes", received, size);
            if (step > 0) {
                fill(expected, (size_t)step, received, seed);
                assert_memory_equal(in, expected, (size_t)step);
                received += (size_t)step;
            }
        }
    }
}

int ends_silently(int descriptor) {
    char byte;
    struct pollfd polled = {.fd = descriptor, .events = POLLIN};
    if (poll(&polled, 1, PATIENCE_MS) <= 0)
        return 0;
    return recv(descriptor, &byte, 1, MSG_DONTWAIT) <= 0;
}
