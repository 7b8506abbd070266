/* Names that answer slowly, move, or are not there yet: the resolver is our own here. */
#include "base/event.h"
#include "ends.h"

#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>

#define NAME "viewer.test"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *leads_to; /* the address of NAME; NULL: nobody knows now; under the lock */
static sl_event asked = {-1};
static sl_cancel *release; /* lets them have it that wait */
static sl_cancel *answers; /* until then nobody gets an answer; NULL: at once; under the lock */

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                struct addrinfo **found) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    bool numbers = hints->ai_flags & AI_NUMERICHOST;
    if (strcmp(host, NAME) != 0 || numbers)
        return real(host, port, hints, found);
    pthread_mutex_lock(&lock);
    const char *address = leads_to;
    sl_cancel *waits = answers;
    pthread_mutex_unlock(&lock);
    sl_event_set(&asked);
    if (waits)
        sl_wait(-1, 0, waits, -1);
    return address ? real(address, port, hints, found) : EAI_AGAIN;
}

static void lead_to(const char *address, sl_cancel *waits) {
    pthread_mutex_lock(&lock);
    leads_to = address;
    answers = waits;
    pthread_mutex_unlock(&lock);
}

static int open_named(sl_link **link, int port, const sl_cancel *cancel) {
    sl_link_settings settings = settings_for(SL_PATTERN_PAIR, port);
    settings.address = NAME;
    return sl_link_open(link, &settings, SL_ROLE_SENDER, NULL, cancel);
}

static sl_link *receiver_at(const char *address, int port) {
    sl_link_settings settings = settings_for(SL_PATTERN_PAIR, port);
    sl_link *link;
    settings.address = address;
    if (sl_link_open(&link, &settings, SL_ROLE_RECEIVER, NULL, NULL) != SL_OK)
        fail_msg("%s", sl_error());
    return link;
}

static void a_slow_name_server_can_be_left(void **state) {
    (void)state;
    sl_link *link;
    sl_cancel *cancel;
    assert_int_equal(sl_cancel_open(&cancel), SL_OK);
    lead_to("127.0.0.1", release);
    sl_cancel_trigger(cancel);
    assert_int_equal(open_named(&link, 9, cancel), SL_ECANCELED);
    assert_null(link);
    sl_cancel_close(&cancel);
}

static void a_name_is_followed(void **state) {
    (void)state;
    ends both = {.receiver = receiver_at("127.0.0.2", 0)};
    int port = state_of(both.receiver).port;
    lead_to(NULL, NULL);
    assert_int_equal(open_named(&both.sender, port, NULL), SL_OK);
    assert_non_null(strstr(state_of(both.sender).endpoint, NAME));
    lead_to("127.0.0.3", NULL); /* nobody is there */
    sl_event_clear(&asked);
    UNTIL(&both, sl_wait(asked.fd, POLLIN, NULL, 0) == SL_OK);
    lead_to("127.0.0.2", NULL);
    UNTIL(&both, state_of(both.sender).connected && state_of(both.receiver).connected);
    sl_link_close(&both.receiver, 0);
    lead_to("127.0.0.4", NULL);
    both.receiver = receiver_at("127.0.0.4", port);
    UNTIL(&both, state_of(both.sender).connects == 2 && state_of(both.receiver).connected);
    part(&both);
}

static void a_slow_answer_holds_nothing_up(void **state) {
    (void)state;
    ends both = {.receiver = receiver_at("127.0.0.2", 0)};
    int port = state_of(both.receiver).port;
    lead_to("127.0.0.2", NULL);
    assert_int_equal(open_named(&both.sender, port, NULL), SL_OK);
    UNTIL(&both, state_of(both.sender).connected && state_of(both.receiver).connected);
    lead_to("127.0.0.2", release);
    sl_link_close(&both.receiver, 0);
    both.receiver = receiver_at("127.0.0.2", port);
    UNTIL(&both, state_of(both.sender).connects == 2 && state_of(both.receiver).connected);
    part(&both);
}

static int set_up(void **state) {
    (void)state;
    return sl_event_init(&asked) || sl_cancel_open(&release);
}

/* The threads that ask are on their own; what they use stays. */
static int tear_down(void **state) {
    (void)state;
    sl_cancel_trigger(release);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_name_server_can_be_left),
        cmocka_unit_test(a_name_is_followed),
        cmocka_unit_test(a_slow_answer_holds_nothing_up),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
