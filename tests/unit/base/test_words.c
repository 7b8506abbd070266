/* What states and reasons are called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sightline/stats.h>
#include <sightline/tunnel.h>
#include <sightline/view.h>

static void all_have_words(void **state) {
    (void)state;
    assert_string_equal(sl_drop_name(SL_DROP_SKIPPED), "skipped");
    assert_string_equal(sl_drop_name(SL_DROP_UNSHOWN), "unshown");
    assert_string_equal(sl_view_state_name(SL_VIEW_LIVE), "live");
    assert_string_equal(sl_view_state_name(SL_VIEW_GONE), "gone");
    assert_string_equal(sl_view_codec_name(SL_FORMAT_H264), "h264");
    assert_string_equal(sl_view_codec_name(SL_FORMAT_BGR), "raw");
    assert_null(sl_view_codec_name(SL_FORMAT_NONE));
    assert_string_equal(sl_tunnel_state_name(SL_TUNNEL_NONE), "none");
    assert_string_equal(sl_tunnel_state_name(SL_TUNNEL_WAITING), "waiting");
}

static void what_there_is_not_is_unknown(void **state) {
    (void)state;
    assert_string_equal(sl_drop_name(SL_DROPS), "unknown");
    assert_string_equal(sl_view_state_name(SL_VIEW_STATES), "unknown");
    assert_string_equal(sl_tunnel_state_name((sl_tunnel_state)99), "unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_have_words),
        cmocka_unit_test(what_there_is_not_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
