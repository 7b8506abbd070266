/* What the tests of the link share: two ends in one thread, and raw sockets that meet them. */
#ifndef UNIT_LINK_ENDS_H
#define UNIT_LINK_ENDS_H

#include "base/clock.h"
#include "base/error.h"
#include "link/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_US (20 * SL_SECOND_US) /* for what must happen; nothing takes nearly so long */

#define UNUSED __attribute__((unused))

typedef struct ends {
    sl_link *sender;
    sl_link *receiver;
} ends;

static UNUSED sl_link_settings settings_for(sl_pattern pattern, int port) {
    return (sl_link_settings){
        .address = "127.0.0.1",
        .port = port,
        .pattern = pattern,
        .max_retries = -1,
        .request_timeout_s = 4,
        .max_message_bytes = INT64_C(64) << 20,
    };
}

static UNUSED sl_link *open_receiver(sl_pattern pattern, int port) {
    sl_link_settings settings = settings_for(pattern, port);
    sl_link *link;
    int result = sl_link_open(&link, &settings, SL_ROLE_RECEIVER, NULL, NULL);
    if (result)
        fail_msg("%s", sl_error());
    return link;
}

static UNUSED sl_link *open_sender(sl_pattern pattern, int port) {
    sl_link_settings settings = settings_for(pattern, port);
    sl_link *link;
    int result = sl_link_open(&link, &settings, SL_ROLE_SENDER, NULL, NULL);
    if (result)
        fail_msg("%s", sl_error());
    return link;
}

static UNUSED sl_link_state state_of(const sl_link *link) {
    sl_link_state state;
    sl_link_state_get(link, &state);
    return state;
}

/* Lets the ends that are there see to their connections for a moment. */
static UNUSED void attend(const ends *both) {
    if (both->sender)
        sl_link_wait(both->sender, -1, NULL, sl_deadline_us(2));
    if (both->receiver)
        sl_link_wait(both->receiver, -1, NULL, sl_deadline_us(2));
}

#define UNTIL(both, condition)                                                                     \
    do {                                                                                           \
        int64_t give_up_us = sl_now_us() + PATIENCE_US;                                            \
        while (!(condition)) {                                                                     \
            if (sl_now_us() > give_up_us)                                                          \
                fail_msg("never came true: %s", #condition);                                       \
            attend(both);                                                                          \
        }                                                                                          \
    } while (0)

/* (A live receiver has a peer only when that has said something.) */
static UNUSED ends meet(sl_pattern pattern) {
    ends both = {.receiver = open_receiver(pattern, 0)};
    both.sender = open_sender(pattern, state_of(both.receiver).port);
    UNTIL(&both, state_of(both.sender).connected &&
                     (state_of(both.receiver).connected || pattern == SL_PATTERN_LIVE));
    return both;
}

static UNUSED void part(ends *both) {
    sl_link_close(&both->sender, 0);
    sl_link_close(&both->receiver, 0);
}

static UNUSED sl_buffer *buffer_of(size_t size, int seed) {
    sl_buffer *buffer;
    assert_int_equal(sl_buffer_new(&buffer, size), SL_OK);
    for (size_t i = 0; i < size; i++)
        buffer->data[i] = (uint8_t)(i * 31 + (size_t)seed);
    return buffer;
}

/* A frame as NetGear's: a short head and `size` bytes. */
static UNUSED int send_frame(sl_link *link, size_t size, int seed) {
    sl_buffer *parts[2] = {buffer_of(160, seed), buffer_of(size, seed)};
    int result = sl_link_send(link, parts, 2);
    sl_buffer_unref(&parts[0]);
    sl_buffer_unref(&parts[1]);
    return result;
}

static UNUSED void assert_frame(const sl_link_message *message, size_t size, int seed) {
    assert_int_equal(message->count, 2);
    assert_int_equal(message->parts[0]->size, 160);
    assert_int_equal(message->parts[1]->size, size);
    assert_int_equal(message->parts[1]->data[0], (uint8_t)seed);
    assert_int_equal(message->parts[1]->data[size - 1], (uint8_t)((size - 1) * 31 + (size_t)seed));
}

static UNUSED int send_text(sl_link *link, const char *text) {
    sl_buffer *part = buffer_of(strlen(text), 0);
    memcpy(part->data, text, part->size);
    int result = sl_link_send(link, &part, 1);
    sl_buffer_unref(&part);
    return result;
}

static UNUSED int tcp_socket(int port, bool listens, int *bound) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (!listens) {
        assert_int_equal(connect(fd, (struct sockaddr *)&address, size), 0);
        return fd;
    }
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *bound = ntohs(address.sin_port);
    return fd;
}

static UNUSED int connect_raw(int port) {
    return tcp_socket(port, false, NULL);
}

static UNUSED int listen_raw(int *port) {
    return tcp_socket(0, true, port);
}

/* Whether the other end has closed; what it sent is dropped. */
static UNUSED bool closed_by_peer(int fd) {
    char dropped[4096];
    ssize_t got;
    while ((got = recv(fd, dropped, sizeof dropped, MSG_DONTWAIT)) > 0)
        continue;
    return got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

#define ZMTP_GREETING 64 /* bytes */

/* ZMTP 3.0's greeting and a READY of a socket type, as one piece. */
static UNUSED size_t write_handshake(uint8_t *out, const char *socket_type) {
    size_t length = strlen(socket_type);
    memset(out, 0, 64);
    out[0] = 0xff;
    out[9] = 0x7f;
    out[10] = 3;
    memcpy(out + 12, "NULL", 4);
    uint8_t *ready = out + 64;
    ready[0] = 4; /* a command */
    ready[1] = (uint8_t)(6 + 1 + 11 + 4 + length);
    memcpy(ready + 2, "\5READY\13Socket-Type\0\0\0", 6 + 12 + 3);
    ready[23] = (uint8_t)length;
    memcpy(ready + 24, socket_type, length);
    return 64 + 24 + length;
}

/* A raw peer whose handshake is done as far as this end goes. */
static UNUSED int connect_zmtp(int port, const char *socket_type) {
    uint8_t handshake[128];
    size_t size = write_handshake(handshake, socket_type);
    int fd = connect_raw(port);
    assert_int_equal(send(fd, handshake, size, MSG_NOSIGNAL), (ssize_t)size);
    return fd;
}

/* Waits until a raw peer's handshake is done, since the other end's READY has come, and has it say
 * one byte. */
static UNUSED void say(const ends *both, int fd, uint8_t byte) {
    const uint8_t word[] = {0, 1, byte};
    uint8_t heard[256];
    ssize_t got = 0;
    UNTIL(both, (got = recv(fd, heard, sizeof heard, MSG_PEEK | MSG_DONTWAIT)) > ZMTP_GREETING);
    assert_int_equal(recv(fd, heard, (size_t)got, 0), got);
    assert_int_equal(send(fd, word, sizeof word, MSG_NOSIGNAL), sizeof word);
}

#endif
