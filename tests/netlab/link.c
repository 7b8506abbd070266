/* netlab: the program that is one link. It makes a TUN device in each of two network namespaces and
 * carries packets between them as its settings say, until its standard input ends.
 *
 *     netlab-link [--seed N] [--log FILE] --forward WORD… --backward WORD… -- A DEVICE B DEVICE
 *
 * A and B are paths of namespaces; forward is from A to B. On standard output it answers with one
 * line of JSON, which has an `error` if that is what it is: when the devices are there, and to each
 * line that it reads:
 *
 *     start                     the schedule begins again, and counters
 *     set forward|backward WORD…
 *     counters
 *     capacity forward|backward MILLISECONDS MILLISECONDS     each so often, for so long
 */
#include "base/error.h"
#include "direction.h"
#include "report.h"
#include "tun.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MS_NS          INT64_C(1000000)
#define SECOND_NS      INT64_C(1000000000)
#define PACKET_SIZE    65536
#define PACKETS_A_TURN 64
#define COMMAND_SIZE   4096
#define FORWARD        0
#define BACKWARD       1

static const char *const NAMES[] = {"forward", "backward"};

/* Direction i goes from device i to the other one. */
typedef struct netlab_link {
    netlab_direction directions[2];
    int devices[2];
    int timer, poller;
    bool realtime, ended;
    FILE *log; /* or NULL */
    char command[COMMAND_SIZE];
    size_t command_size;
} netlab_link;

static int64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * SECOND_NS + time.tv_nsec;
}

static void deliver(netlab_link *emulator, int way) {
    netlab_direction *direction = &emulator->directions[way];
    netlab_packet *packet;
    while ((packet = netlab_direction_take(direction, now_ns()))) {
        /* A device that is down takes nothing, as a host that is switched off. */
        ssize_t written = write(emulator->devices[1 - way], packet->data, packet->size);
        (void)written;
        int64_t now = now_ns();
        if (emulator->log)
            netlab_report_delivered(emulator->log, NAMES[way], packet, now);
        netlab_direction_delivered(direction, packet, now);
    }
}

static int fetch(netlab_link *emulator, int way) {
    uint8_t data[PACKET_SIZE];
    for (int i = 0; i < PACKETS_A_TURN; i++) {
        ssize_t size = read(emulator->devices[way], data, sizeof(data));
        if (size <= 0)
            return 0;
        netlab_fate fate;
        int64_t now = now_ns();
        int result =
            netlab_direction_add(&emulator->directions[way], data, (size_t)size, now, &fate);
        if (result != 0)
            return result;
        if (emulator->log && fate != NETLAB_TAKEN)
            netlab_report_missing(emulator->log, NAMES[way], (size_t)size, fate, now);
    }
    return 0;
}

static void set_timer(const netlab_link *emulator) {
    int64_t next = INT64_MAX;
    for (int way = FORWARD; way <= BACKWARD; way++) {
        int64_t due = netlab_direction_next_ns(&emulator->directions[way]);
        next = due < next ? due : next;
    }
    struct itimerspec when = {0}; /* off */
    if (next < INT64_MAX)
        when.it_value = (struct timespec){next / SECOND_NS, next % SECOND_NS};
    timerfd_settime(emulator->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static int find_direction(const char *name) {
    for (int way = FORWARD; name && way <= BACKWARD; way++) {
        if (strcmp(name, NAMES[way]) == 0)
            return way;
    }
    return sl_fail(SL_EINVAL, "a direction is forward or backward, not \"%s\"", name ? name : "");
}

static int change(netlab_link *emulator, char **rest) {
    int way = find_direction(strtok_r(NULL, " ", rest));
    if (way < 0)
        return way;
    const char *word;
    while ((word = strtok_r(NULL, " ", rest))) {
        int result = netlab_direction_change(&emulator->directions[way], word, now_ns());
        if (result != 0)
            return result;
    }
    puts("{}");
    return 0;
}

static void start(netlab_link *emulator) {
    int64_t now = now_ns();
    for (int way = FORWARD; way <= BACKWARD; way++)
        netlab_direction_start(&emulator->directions[way], now);
}

static int start_again(netlab_link *emulator, char **rest) {
    (void)rest;
    start(emulator);
    puts("{}");
    return 0;
}

static int tell_counters(netlab_link *emulator, char **rest) {
    (void)rest;
    int64_t now = now_ns();
    for (int way = FORWARD; way <= BACKWARD; way++) {
        printf("%s\"%s\": ", way == FORWARD ? "{" : ", ", NAMES[way]);
        netlab_report_counters(stdout, &emulator->directions[way], now);
    }
    printf(", \"realtime\": %s}\n", emulator->realtime ? "true" : "false");
    if (emulator->log)
        fflush(emulator->log);
    return 0;
}

/* The log says what was made of the link; this says what could have been. */
static int tell_capacity(netlab_link *emulator, char **rest) {
    int way = find_direction(strtok_r(NULL, " ", rest));
    if (way < 0)
        return way;
    const char *every = strtok_r(NULL, " ", rest), *until = strtok_r(NULL, " ", rest);
    int every_ms = every ? atoi(every) : 0, until_ms = until ? atoi(until) : 0;
    if (every_ms < 1 || until_ms < 0)
        return sl_fail(SL_EINVAL, "capacity takes a direction, and milliseconds: how often, and "
                                  "for how long");
    fputs("{\"capacity_bytes\": ", stdout);
    netlab_report_capacity(stdout, &emulator->directions[way].schedule, every_ms * MS_NS,
                           until_ms * MS_NS);
    fputs("}\n", stdout);
    return 0;
}

typedef struct verb {
    const char *name;
    int (*perform)(netlab_link *emulator, char **rest); /* and answers, unless it fails */
} verb;

static const verb VERBS[] = {{"start", start_again},
                             {"set", change},
                             {"counters", tell_counters},
                             {"capacity", tell_capacity}};

static int obey(netlab_link *emulator, char *line) {
    char *rest;
    const char *name = strtok_r(line, " ", &rest);
    for (size_t i = 0; name && i < sizeof(VERBS) / sizeof(VERBS[0]); i++) {
        if (strcmp(name, VERBS[i].name) == 0)
            return VERBS[i].perform(emulator, &rest);
    }
    return sl_fail(SL_EINVAL, "a command is start, set, counters or capacity");
}

static void answer(netlab_link *emulator, char *line) {
    if (obey(emulator, line) == 0)
        return;
    fputs("{\"error\": ", stdout);
    netlab_report_text(stdout, sl_error());
    fputs("}\n", stdout);
}

static void listen_to_commands(netlab_link *emulator) {
    size_t room = sizeof(emulator->command) - emulator->command_size;
    ssize_t size = read(STDIN_FILENO, emulator->command + emulator->command_size, room);
    if (size <= 0) {
        emulator->ended = size == 0 || (errno != EAGAIN && errno != EINTR);
        return;
    }
    emulator->command_size += (size_t)size;
    char *line = emulator->command, *end;
    while ((end = memchr(line, '\n', emulator->command_size))) {
        *end = '\0';
        emulator->command_size -= (size_t)(end + 1 - line);
        answer(emulator, line);
        line = end + 1;
    }
    memmove(emulator->command, line, emulator->command_size);
    emulator->ended = emulator->command_size == sizeof(emulator->command);
    fflush(stdout);
}

static int run(netlab_link *emulator) {
    while (!emulator->ended) {
        deliver(emulator, FORWARD);
        deliver(emulator, BACKWARD);
        set_timer(emulator);
        struct epoll_event ready[4];
        int count = epoll_wait(emulator->poller, ready, 4, -1);
        for (int i = 0; i < count; i++) {
            int fd = ready[i].data.fd, result = 0;
            if (fd == STDIN_FILENO)
                listen_to_commands(emulator);
            for (int way = FORWARD; way <= BACKWARD; way++) {
                if (fd == emulator->devices[way])
                    result = fetch(emulator, way);
            }
            if (result != 0)
                return result;
        }
    }
    return 0;
}

/* The timer is set anew before each wait, which makes it unreadable: nobody has to read it. */
static int watch(netlab_link *emulator) {
    emulator->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    emulator->poller = epoll_create1(EPOLL_CLOEXEC);
    int watched[] = {STDIN_FILENO, emulator->timer, emulator->devices[0], emulator->devices[1]};
    for (size_t i = 0; i < sizeof(watched) / sizeof(watched[0]); i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = watched[i]};
        if (epoll_ctl(emulator->poller, EPOLL_CTL_ADD, watched[i], &event) != 0)
            return sl_fail(SL_ESYSTEM, "waiting for events failed: %s", strerror(errno));
    }
    return 0;
}

static int open_log(netlab_link *emulator, const char *path) {
    emulator->log = fopen(path, "we");
    if (!emulator->log)
        return sl_fail(SL_ESYSTEM, "the log %s can't be made: %s", path, strerror(errno));
    netlab_report_heading(emulator->log);
    return 0;
}

static int open_devices(netlab_link *emulator, char **place) {
    for (size_t i = 0; i < 2; i++) {
        int result = netlab_tun_open(&emulator->devices[i], place[2 * i], place[2 * i + 1]);
        if (result != 0)
            return result;
    }
    return 0;
}

/* The arguments, up to `--`, and the devices after it. */
static int set_up(netlab_link *emulator, char **argument) {
    netlab_direction *direction = NULL;
    int result = 0;
    for (; *argument && strcmp(*argument, "--") != 0 && result == 0; argument++) {
        if (strcmp(*argument, "--seed") == 0 && argument[1]) {
            uint64_t seed = strtoull(*++argument, NULL, 10);
            for (int way = FORWARD; way <= BACKWARD; way++)
                emulator->directions[way].seed = 2 * seed + (uint64_t)way;
        } else if (strcmp(*argument, "--log") == 0 && argument[1]) {
            result = open_log(emulator, *++argument);
        } else if (strncmp(*argument, "--", 2) == 0) {
            int way = find_direction(*argument + 2);
            direction = way < 0 ? NULL : &emulator->directions[way];
            result = way < 0 ? way : 0;
        } else if (direction) {
            result = netlab_schedule_add(&direction->schedule, *argument);
        } else {
            result = sl_fail(SL_EINVAL, "%s comes before --forward or --backward", *argument);
        }
    }
    if (result != 0)
        return result;
    for (int i = 0; i <= 4; i++) {
        if (!argument[i])
            return sl_fail(SL_EINVAL, "after -- come two namespaces, each with a device");
    }
    return open_devices(emulator, argument + 1);
}

int main(int argc, char **argv) {
    static netlab_link emulator = {.devices = {-1, -1}, .timer = -1, .poller = -1};
    (void)argc;
    netlab_direction_init(&emulator.directions[FORWARD], 0);
    netlab_direction_init(&emulator.directions[BACKWARD], 1);
    int result = set_up(&emulator, argv + 1);
    if (result == 0)
        result = watch(&emulator);
    if (result == 0) {
        /* Where it is allowed to, it comes before everything that it measures. */
        emulator.realtime = sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){1}) == 0;
        start(&emulator);
        puts("{}");
        fflush(stdout);
        result = run(&emulator);
    }
    if (result != 0)
        fprintf(stderr, "netlab-link: %s\n", sl_error());
    for (int way = FORWARD; way <= BACKWARD; way++)
        netlab_direction_finish(&emulator.directions[way]);
    if (emulator.log)
        fclose(emulator.log);
    return result == 0 ? 0 : 1;
}
