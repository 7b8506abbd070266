/* sink/web: who comes in. Used by server.c.
 *
 * Whoever is slow to say what he wants has a deadline, however steadily his bytes drip in; and
 * where there are too many, the one who has been saying it for longest makes way. */
#include "sink/web/door.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"
#include "base/log.h"
#include "base/thread.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HURRY_US (15 * SL_SECOND_US)
#define PAUSE_MS 100 /* when the system has no descriptor left for a connection */
#define UNSENT_MOST                                                                                \
    (32 * 1024)          /* bytes in the kernel that are not on their way yet: they grow old       \
                             there */
#define SILENCE_MS 20000 /* of a peer that should acknowledge what it gets */

struct sl_web_guest {
    sl_web_guest *next;
    int descriptor;
    struct in6_addr from;
    bool near;                /* on this machine */
    bool met;                 /* the server has it, and says when it goes */
    bool asked_to_go;         /* and so is going */
    atomic_llong deadline_us; /* INT64_MAX: none */
};

struct sl_web_door {
    sl_web_door_settings settings;
    sl_listeners listeners;
    sl_event stop;
    sl_event left; /* somebody has, since it was crowded */
    sl_thread thread;
    sl_log_limit limit; /* the thread's */

    pthread_mutex_t lock; /* for all below */
    sl_web_guest *guests;
};

int sl_web_door_open(sl_web_door **door, const sl_web_door_settings *settings) {
    *door = NULL;
    sl_web_door *opened = calloc(1, sizeof(*opened));
    if (!opened)
        return sl_fail_memory();
    opened->settings = *settings;
    opened->stop.fd = opened->left.fd = -1;
    pthread_mutex_init(&opened->lock, NULL);
    int code = sl_event_init(&opened->stop);
    if (code == SL_OK)
        code = sl_event_init(&opened->left);
    if (code == SL_OK)
        code = sl_listen(&opened->listeners, settings->what, settings->host, settings->port, NULL);
    if (code < 0)
        sl_web_door_close(&opened);
    *door = opened;
    return code;
}

void sl_web_door_close(sl_web_door **door) {
    sl_web_door *closing = *door;
    if (!closing)
        return;
    sl_web_door_stop(closing);
    while (closing->guests) {
        sl_web_guest *guest = closing->guests;
        closing->guests = guest->next;
        free(guest);
    }
    sl_event_finish(&closing->left);
    sl_event_finish(&closing->stop);
    pthread_mutex_destroy(&closing->lock);
    free(closing);
    *door = NULL;
}

int sl_web_door_port(const sl_web_door *door) {
    return door->listeners.port;
}

/* The address in one form for both families, and whether it is this machine's own. */
static bool address_of(const struct sockaddr_storage *from, struct in6_addr *address) {
    if (from->ss_family == AF_INET6) {
        *address = ((const struct sockaddr_in6 *)from)->sin6_addr;
        return IN6_IS_ADDR_LOOPBACK(address) ||
               (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == 127);
    }
    const struct in_addr *four = &((const struct sockaddr_in *)from)->sin_addr;
    *address = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
    memcpy(&address->s6_addr[12], four, sizeof(*four));
    return address->s6_addr[12] == 127;
}

bool sl_web_door_near(const sl_web_door *door) {
    bool near = true;
    for (int i = 0; i < door->listeners.count; i++) {
        struct sockaddr_storage own = {0};
        struct in6_addr address;
        socklen_t size = sizeof(own);
        near &= getsockname(door->listeners.descriptors[i], (struct sockaddr *)&own, &size) == 0 &&
                address_of(&own, &address);
    }
    return near;
}

/* Takes a guest out of the list. Locked. */
static void forget(sl_web_door *door, sl_web_guest *guest) {
    sl_web_guest **at = &door->guests;
    while (*at && *at != guest)
        at = &(*at)->next;
    if (*at)
        *at = guest->next;
    free(guest);
}

/* The server closes the connection when it sees that it has ended. Locked. */
static void send_away(sl_web_guest *guest) {
    guest->asked_to_go = true;
    shutdown(guest->descriptor, SHUT_RDWR);
}

/* Whether there is room for one more; where there isn't, who is nearest to his deadline goes.
 * Locked. */
static bool make_room(sl_web_door *door, const sl_web_guest *newcomer) {
    int count = 0, from_there = 0;
    sl_web_guest *nearest = NULL;
    for (sl_web_guest *guest = door->guests; guest; guest = guest->next) {
        if (guest->asked_to_go)
            continue;
        count++;
        from_there += memcmp(&guest->from, &newcomer->from, sizeof(guest->from)) == 0;
        if (guest->met && guest->deadline_us != INT64_MAX &&
            (!nearest || guest->deadline_us < nearest->deadline_us))
            nearest = guest;
    }
    if (!newcomer->near && from_there >= SL_WEB_GUESTS_PER_HOST)
        return false;
    if (count < SL_WEB_GUESTS_MAX)
        return true;
    if (nearest)
        send_away(nearest);
    return nearest != NULL;
}

/* Who was never met, and whose descriptor is somebody else's now, or who is late, is not there any
 * more. Locked. */
static void forget_unmet(sl_web_door *door, int descriptor) {
    for (sl_web_guest *guest = door->guests, *next; guest; guest = next) {
        next = guest->next;
        if (!guest->met && (guest->descriptor == descriptor || guest->deadline_us < sl_now_us()))
            forget(door, guest);
    }
}

static sl_web_guest *enter(sl_web_door *door, int descriptor, const struct sockaddr_storage *from) {
    sl_web_guest *guest = calloc(1, sizeof(*guest));
    if (!guest)
        return NULL;
    guest->descriptor = descriptor;
    guest->near = address_of(from, &guest->from);
    sl_web_guest_hurry(guest);
    pthread_mutex_lock(&door->lock);
    forget_unmet(door, descriptor);
    bool room = make_room(door, guest);
    if (room) {
        guest->next = door->guests;
        door->guests = guest;
    }
    pthread_mutex_unlock(&door->lock);
    if (room)
        return guest;
    free(guest);
    return NULL;
}

/* What is sent should leave at once, and not pile up where it can't be taken back. */
static void prepare(int descriptor) {
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    setsockopt(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &(int){UNSENT_MOST}, sizeof(int));
    setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &(int){SILENCE_MS}, sizeof(int));
}

static void complain(sl_web_door *door, const char *why) {
    uint64_t held_back;
    if (sl_log_limit_pass(&door->limit, &held_back))
        sl_log(SL_LOG_WARNING, "web", "turned a connection away, and %" PRIu64 " before: %s",
               held_back, why);
}

static void take(sl_web_door *door, int listener) {
    struct sockaddr_storage from = {0};
    socklen_t size = sizeof(from);
    int descriptor =
        accept4(listener, (struct sockaddr *)&from, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (descriptor < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            poll(NULL, 0, PAUSE_MS);
        return;
    }
    prepare(descriptor);
    sl_web_guest *guest = enter(door, descriptor, &from);
    if (!guest) {
        complain(door, "there are too many");
        close(descriptor);
        return;
    }
    if (door->settings.admit(door->settings.user, descriptor, (struct sockaddr *)&from, size))
        return;
    complain(door, "it can't be served");
    pthread_mutex_lock(&door->lock);
    forget(door, guest);
    pthread_mutex_unlock(&door->lock);
}

/* Ends what is past its deadline. Whether anybody is there. */
static bool sweep(sl_web_door *door) {
    int64_t now_us = sl_now_us();
    pthread_mutex_lock(&door->lock);
    forget_unmet(door, -1);
    bool somebody = door->guests != NULL;
    for (sl_web_guest *guest = door->guests; guest; guest = guest->next)
        if (guest->met && !guest->asked_to_go && guest->deadline_us < now_us)
            send_away(guest);
    pthread_mutex_unlock(&door->lock);
    return somebody;
}

static int count(sl_web_door *door) {
    int guests = 0;
    pthread_mutex_lock(&door->lock);
    for (const sl_web_guest *guest = door->guests; guest; guest = guest->next)
        guests++;
    pthread_mutex_unlock(&door->lock);
    return guests;
}

/* Watches the listeners, unless the server has yet to close what was sent away: newcomers wait in
 * the kernel meanwhile. */
static void watch(sl_web_door *door, struct pollfd *polled) {
    sl_event_clear(&door->left);
    bool crowded = count(door) >= SL_WEB_GUESTS_MAX + SL_WEB_GUESTS_GOING;
    for (int i = 0; i < door->listeners.count; i++)
        polled[i].fd = crowded ? -1 : door->listeners.descriptors[i];
}

/* Sees to it that there is a beat each second while anybody is here. */
static void keep_time(sl_web_door *door, int64_t *beat_us) {
    if (*beat_us < 0) {
        *beat_us = count(door) > 0 ? sl_now_us() + SL_SECOND_US : -1;
    } else if (sl_remaining_ms(*beat_us) == 0) {
        *beat_us = sweep(door) ? *beat_us + SL_SECOND_US : -1;
        door->settings.beat(door->settings.user);
    }
}

static void run(void *argument) {
    sl_web_door *door = argument;
    enum { STOP, LEFT, LISTENERS };
    struct pollfd polled[LISTENERS + SL_LISTENERS_MOST] = {
        [STOP] = {.fd = door->stop.fd, .events = POLLIN},
        [LEFT] = {.fd = door->left.fd, .events = POLLIN},
    };
    int64_t beat_us = -1;
    for (int i = 0; i < door->listeners.count; i++)
        polled[LISTENERS + i].events = POLLIN;
    while (!polled[STOP].revents) {
        watch(door, &polled[LISTENERS]);
        if (poll(polled, (nfds_t)(LISTENERS + door->listeners.count), sl_remaining_ms(beat_us)) < 0)
            continue;
        for (int i = 0; i < door->listeners.count; i++)
            if (polled[LISTENERS + i].revents)
                take(door, door->listeners.descriptors[i]);
        keep_time(door, &beat_us);
    }
}

int sl_web_door_start(sl_web_door *door) {
    return sl_thread_start(&door->thread, "sl-web-door", run, door);
}

void sl_web_door_stop(sl_web_door *door) {
    if (door->stop.fd >= 0)
        sl_event_set(&door->stop);
    sl_thread_join(&door->thread);
    sl_listeners_close(&door->listeners);
}

sl_web_guest *sl_web_door_met(sl_web_door *door, int descriptor) {
    pthread_mutex_lock(&door->lock);
    sl_web_guest *guest = door->guests;
    while (guest && (guest->met || guest->descriptor != descriptor))
        guest = guest->next;
    if (guest)
        guest->met = true;
    pthread_mutex_unlock(&door->lock);
    return guest;
}

void sl_web_door_left(sl_web_door *door, sl_web_guest *guest) {
    pthread_mutex_lock(&door->lock);
    forget(door, guest);
    pthread_mutex_unlock(&door->lock);
    sl_event_set(&door->left);
}

void sl_web_guest_hurry(sl_web_guest *guest) {
    guest->deadline_us = sl_now_us() + HURRY_US;
}

void sl_web_guest_stay(sl_web_guest *guest) {
    guest->deadline_us = INT64_MAX;
}
