/* netlab: what one direction of a link is to be like, and when it changes. */
#include "schedule.h"
#include "base/error.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE_BYTES    300000
#define MOST_SECONDS   86400.0
#define SECOND_NS      1e9
#define SCALE_COUNT(a) (sizeof(a) / sizeof((a)[0]))

typedef struct scale {
    const char *unit;
    double factor;
} scale;

static const scale AMOUNTS[] = {{"", 1}, {"k", 1e3}, {"M", 1e6}, {"G", 1e9}};
static const scale TIMES[] = {{"ms", 1e6}, {"s", 1e9}, {"us", 1e3}};
static const scale SHARES[] = {{"%", 0.01}, {"", 1}};

void netlab_schedule_init(netlab_schedule *schedule) {
    memset(schedule, 0, sizeof(*schedule));
    schedule->count = 1;
    schedule->steps[0].settings = (netlab_settings){.rate_bps = INFINITY, .queue = QUEUE_BYTES};
}

void netlab_schedule_finish(netlab_schedule *schedule) {
    for (size_t i = 0; i < schedule->trace_count; i++)
        netlab_trace_close(&schedule->traces[i]);
}

static bool read_number(const char *text, const scale *scales, size_t count, double *value) {
    char *unit;
    double number = strtod(text, &unit);
    if (unit == text || !isfinite(number) || number < 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(unit, scales[i].unit) == 0) {
            *value = number * scales[i].factor;
            return true;
        }
    }
    return false;
}

static int read_time(const char *name, const char *text, int64_t *time_ns) {
    double value;
    if (!read_number(text, TIMES, SCALE_COUNT(TIMES), &value) || value > MOST_SECONDS * SECOND_NS)
        return sl_fail(SL_EINVAL, "%s takes a time up to a day, such as 25ms or 1.5s, not \"%s\"",
                       name, text);
    *time_ns = (int64_t)value;
    return 0;
}

static int read_rate(netlab_settings *settings, const char *text) {
    double rate_bps = INFINITY;
    if (strcmp(text, "none") != 0 && !read_number(text, AMOUNTS, SCALE_COUNT(AMOUNTS), &rate_bps))
        return sl_fail(SL_EINVAL,
                       "rate takes bits a second, such as 500k or 4M, or none, not "
                       "\"%s\"",
                       text);
    settings->rate_bps = rate_bps;
    settings->trace = NULL;
    return 0;
}

static int read_trace(netlab_schedule *schedule, netlab_settings *settings, const char *path) {
    if (schedule->trace_count == NETLAB_STEPS_MOST)
        return sl_fail(SL_EINVAL, "more than %d traces are too many", NETLAB_STEPS_MOST);
    netlab_trace *trace;
    int result = netlab_trace_open(&trace, path);
    if (result != 0)
        return result;
    schedule->traces[schedule->trace_count++] = trace;
    settings->trace = trace;
    return 0;
}

static int read_loss(netlab_settings *settings, const char *text) {
    double loss;
    if (!read_number(text, SHARES, SCALE_COUNT(SHARES), &loss) || loss > 1)
        return sl_fail(SL_EINVAL, "loss takes a share, such as 1%% or 0.01, not \"%s\"", text);
    settings->loss = loss;
    return 0;
}

static int read_queue(netlab_settings *settings, const char *text) {
    if (read_number(text, AMOUNTS, SCALE_COUNT(AMOUNTS), &settings->queue))
        settings->queue_unit = NETLAB_QUEUE_BYTES;
    else if (read_number(text, TIMES, SCALE_COUNT(TIMES), &settings->queue))
        settings->queue_unit = NETLAB_QUEUE_NS;
    else
        return sl_fail(SL_EINVAL, "queue takes bytes or a time, such as 64k or 200ms, not \"%s\"",
                       text);
    return 0;
}

int netlab_schedule_change(netlab_schedule *schedule, netlab_settings *settings, const char *word) {
    const char *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) : 0;
    const char *value = equals ? equals + 1 : NULL;
#define IS(name) (length == strlen(name) && strncmp(word, (name), length) == 0)
    if (IS("rate"))
        return read_rate(settings, value);
    if (IS("trace"))
        return read_trace(schedule, settings, value);
    if (IS("delay"))
        return read_time("delay", value, &settings->delay_ns);
    if (IS("jitter"))
        return read_time("jitter", value, &settings->jitter_ns);
    if (IS("loss"))
        return read_loss(settings, value);
    if (IS("queue"))
        return read_queue(settings, value);
#undef IS
    return sl_fail(SL_EINVAL,
                   "\"%s\" sets nothing of a link; it takes rate=, trace=, delay=, "
                   "jitter=, loss= and queue=, and @TIME before what changes then",
                   word);
}

static int begin_step(netlab_schedule *schedule, const char *time) {
    int64_t at_ns = 0;
    int result = read_time("@", time, &at_ns);
    if (result != 0)
        return result;
    const netlab_step *last = &schedule->steps[schedule->count - 1];
    if (at_ns <= last->at_ns)
        return sl_fail(SL_EINVAL, "@%s is not after the step before", time);
    if (schedule->count == NETLAB_STEPS_MOST)
        return sl_fail(SL_EINVAL, "more than %d steps are too many", NETLAB_STEPS_MOST);
    schedule->steps[schedule->count] = *last;
    schedule->steps[schedule->count++].at_ns = at_ns;
    return 0;
}

int netlab_schedule_add(netlab_schedule *schedule, const char *word) {
    if (word[0] == '@')
        return begin_step(schedule, word + 1);
    netlab_settings *settings = &schedule->steps[schedule->count - 1].settings;
    return netlab_schedule_change(schedule, settings, word);
}
