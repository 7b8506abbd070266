/* More peers than a receiver has places for, who say nothing. */
#include "base/settings.h"
#include "crowd.h"

/* Who only sits there makes way for others, and who streams meanwhile is left alone. */
static void crowd_around_a_stream(void **state) {
    (void)state;
    static const uint8_t request[] = {1, 0, 0, 1, 5};
    ends both = {.receiver = open_receiver(SL_PATTERN_REQREP, 0)};
    int peers[SL_PEERS_MAX], others[20];
    fill(&both, "REQ", peers, SL_PEERS_MAX);
    hear(&both, peers[0], request, sizeof request);
    assert_int_equal(send_text(both.receiver, "more"), SL_OK);
    for (size_t i = 0; i < SL_COUNT(others); i++) {
        others[i] = connect_more(&both, "REQ");
        hear(&both, peers[0], request, sizeof request);
        assert_int_equal(send_text(both.receiver, "more"), SL_OK);
    }
    assert_non_null(strstr(state_of(both.receiver).refusal, "makes way"));
    UNTIL(&both, count_closed(peers, SL_PEERS_MAX) == SL_COUNT(others));
    assert_false(closed_by_peer(peers[0]));
    assert_int_equal(count_closed(others, SL_COUNT(others)), 0);
    hear(&both, others[0], request, sizeof request);
    for (size_t i = 0; i < SL_PEERS_MAX; i++)
        close(peers[i]);
    for (size_t i = 0; i < SL_COUNT(others); i++)
        close(others[i]);
    part(&both);
}

/* Peers who only sit there don't keep others out for ever. */
static void idle_crowd(void **state) {
    (void)state;
    ends both = {.receiver = open_receiver(SL_PATTERN_PAIR, 0)};
    int peers[SL_PEERS_MAX];
    fill(&both, "PAIR", peers, SL_PEERS_MAX);
    both.sender = open_sender(SL_PATTERN_PAIR, state_of(both.receiver).port);
    for (size_t i = 0; i < SL_PEERS_MAX; i++) {
        UNTIL(&both, closed_by_peer(peers[i]));
        close(peers[i]);
    }
    UNTIL(&both, send_frame(both.sender, 1000, 1) == SL_OK);
    sl_link_message message;
    UNTIL(&both, sl_link_receive(both.receiver, &message) == SL_OK);
    assert_frame(&message, 1000, 1);
    sl_link_message_clear(&message);
    part(&both);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crowd_around_a_stream),
        cmocka_unit_test(idle_crowd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
