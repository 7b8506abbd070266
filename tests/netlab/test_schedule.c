/* The words of a link's settings, and traces as they are read from files. */
#include "base/error.h"
#include "schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static netlab_schedule schedule;

static int fresh(void **state) {
    (void)state;
    netlab_schedule_init(&schedule);
    return 0;
}

static int done(void **state) {
    (void)state;
    netlab_schedule_finish(&schedule);
    return 0;
}

static const netlab_settings *after(const char *word) {
    if (netlab_schedule_add(&schedule, word) != 0)
        fail_msg("%s: %s", word, sl_error());
    return &schedule.steps[schedule.count - 1].settings;
}

static void words_have_units(void **state) {
    (void)state;
    assert_float_equal(after("rate=500k")->rate_bps, 5e5, 0);
    assert_float_equal(after("rate=2.5M")->rate_bps, 2.5e6, 0);
    assert_true(isinf(after("rate=none")->rate_bps));
    assert_int_equal(after("delay=25ms")->delay_ns, 25000000);
    assert_int_equal(after("delay=1.5s")->delay_ns, 1500000000);
    assert_int_equal(after("jitter=200us")->jitter_ns, 200000);
    assert_float_equal(after("loss=1%")->loss, 0.01, 0);
    assert_float_equal(after("loss=0.5")->loss, 0.5, 0);
    assert_float_equal(after("queue=64k")->queue, 64000, 0);
    assert_int_equal(after("queue=64k")->queue_unit, NETLAB_QUEUE_BYTES);
    assert_float_equal(after("queue=200ms")->queue, 2e8, 0);
    assert_int_equal(after("queue=200ms")->queue_unit, NETLAB_QUEUE_NS);
}

static void a_step_keeps_what_it_does_not_change(void **state) {
    (void)state;
    after("rate=4M");
    after("delay=25ms");
    after("@20s");
    assert_int_equal(after("rate=1M")->delay_ns, 25000000);
    assert_int_equal(schedule.count, 2);
    assert_true(schedule.steps[1].at_ns == INT64_C(20000000000));
    assert_float_equal(schedule.steps[0].settings.rate_bps, 4e6, 0);
}

static void what_is_no_setting_is_refused(void **state) {
    (void)state;
    static const char *const words[] = {
        "",        "rate",    "rate=",      "rate=4m",    "rate=-1",   "rate=nan",
        "speed=1", "delay=5", "delay=-1ms", "loss=2",     "loss=101%", "queue=1x",
        "@",       "@5",      "@0s",        "delay=2e9s", "rate=4M ",  "trace=/nowhere"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        sl_error_clear();
        assert_true(netlab_schedule_add(&schedule, words[i]) < 0);
        assert_true(sl_error_said());
    }
    after("@2s");
    assert_int_equal(netlab_schedule_add(&schedule, "@2s"), SL_EINVAL);
}

static int read_text(const char *text, netlab_trace **trace) {
    char path[] = "/tmp/netlab-XXXXXX";
    int fd = mkstemp(path);
    assert_int_not_equal(fd, -1);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    int result = netlab_trace_open(trace, path);
    unlink(path);
    return result;
}

static void traces_are_read(void **state) {
    (void)state;
    netlab_trace *trace;
    assert_int_equal(read_text("0\n3\n3\r\n10", &trace), 0);
    assert_int_equal(trace->count, 4);
    assert_int_equal(netlab_trace_time_ns(trace, 6), 13000000);
    assert_int_equal(netlab_trace_before(trace, 3000000), 1);
    assert_int_equal(netlab_trace_before(trace, 3000001), 3);
    assert_int_equal(netlab_trace_before(trace, 10000000), 3);
    assert_int_equal(netlab_trace_before(trace, 13000001), 7);
    assert_float_equal(netlab_trace_mean_bps(trace), 4.8e6, 1e-3);
    netlab_trace_close(&trace);
    netlab_trace_close(&trace);
}

static void what_is_no_trace_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",     "0\n0\n", "5\n4\n",   "1\nx\n",
        "-1\n", "1 2\n",  "1\n\n2\n", "99999999999999999999999999999999999999999\n"};
    netlab_trace *trace;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(read_text(texts[i], &trace), SL_EINVAL);
        assert_null(trace);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(words_have_units, fresh, done),
        cmocka_unit_test_setup_teardown(a_step_keeps_what_it_does_not_change, fresh, done),
        cmocka_unit_test_setup_teardown(what_is_no_setting_is_refused, fresh, done),
        cmocka_unit_test(traces_are_read),
        cmocka_unit_test(what_is_no_trace_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
