/* sink: what a window says of a camera. */
#include "sink/window/caption.h"
#include "base/clock.h"
#include "frame/frame.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MINUTE_S INT64_C(60)
#define HOUR_S   (60 * MINUTE_S)
#define DAY_S    (24 * HOUR_S)

__attribute__((format(printf, 2, 3))) static void add(char text[SL_CAPTION_MAX], const char *format,
                                                      ...) {
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, SL_CAPTION_MAX - used, format, arguments);
    va_end(arguments);
}

bool sl_caption_stale(const sl_camera_view *view) {
    return view->state == SL_VIEW_SILENT || view->state == SL_VIEW_LOST ||
           view->state == SL_VIEW_GONE;
}

void sl_caption_line(char text[SL_CAPTION_MAX], const sl_camera_view *view, size_t number) {
    text[0] = '\0';
    if (number > 0)
        add(text, "%zu ", number);
    add(text, "%s", view->name);
    if (view->width > 0)
        add(text, SL_CAPTION_GAP "%dx%d", view->width, view->height);
    add(text, SL_CAPTION_GAP "%.1f frames/s", view->fps);
    if (view->latency.last >= 0 && !sl_caption_stale(view))
        add(text, SL_CAPTION_GAP "%.0f ms old", view->latency.last);
    if (view->bit_rate >= 1000000)
        add(text, SL_CAPTION_GAP "%.1f Mbit/s", (double)view->bit_rate / 1e6);
    else
        add(text, SL_CAPTION_GAP "%.0f kbit/s", (double)view->bit_rate / 1e3);
    if (view->format != SL_FORMAT_NONE)
        add(text, SL_CAPTION_GAP "%s", sl_format_name(view->format));
    add(text, SL_CAPTION_GAP "%s", sl_view_state_name(view->state));
}

static void add_since(char text[SL_CAPTION_MAX], int64_t since_us, int64_t utc_us) {
    time_t seconds = (time_t)(since_us / SL_SECOND_US);
    bool today = utc_us - since_us < DAY_S * SL_SECOND_US;
    struct tm local;
    char stamp[32];
    localtime_r(&seconds, &local);
    strftime(stamp, sizeof(stamp), today ? "%H:%M:%S" : "%Y-%m-%d %H:%M", &local);
    add(text, " since %s", stamp);
}

static void add_silence(char text[SL_CAPTION_MAX], int64_t last_us, int64_t utc_us) {
    int64_t silent_s = utc_us > last_us ? (utc_us - last_us) / SL_SECOND_US : 0;
    if (last_us == 0)
        add(text, "no picture yet");
    else if (silent_s < 2 * MINUTE_S)
        add(text, "no picture for %" PRId64 " s", silent_s);
    else if (silent_s < 2 * HOUR_S)
        add(text, "no picture for %" PRId64 " min", silent_s / MINUTE_S);
    else
        add(text, "no picture for %" PRId64 " h", silent_s / HOUR_S);
}

void sl_caption_mark(char text[SL_CAPTION_MAX], const sl_camera_view *view, bool named,
                     int64_t utc_us) {
    text[0] = '\0';
    if (!sl_caption_stale(view))
        return;
    if (named)
        add(text, "%s\n", view->name);
    if (view->state == SL_VIEW_LOST || view->state == SL_VIEW_GONE) {
        add(text, view->state == SL_VIEW_LOST ? "camera lost" : "gone");
        add_since(text, view->since_us, utc_us);
        if (view->reason[0])
            add(text, ": %s", view->reason);
        add(text, "\n");
    }
    add_silence(text, view->last_us, utc_us);
}

/* Letters of UTF-8 up to `end`. */
static int letters(const char *text, const char *end) {
    int count = 0;
    for (; text < end; text++)
        count += (*text & 0xC0) != 0x80;
    return count;
}

void sl_caption_wrap(char *text, int columns, const char *between) {
    size_t gap = strlen(between);
    char *line = text, *last = NULL; /* where this line can be broken */
    for (char *c = text; *c; c++) {
        if (*c == '\n') {
            line = c + 1;
            last = NULL;
        } else if (strncmp(c, between, gap) == 0) {
            last = c;
        }
        if (last && c >= last + gap && letters(line, c + 1) > columns) {
            *last = '\n';
            memmove(last + 1, last + gap, strlen(last + gap) + 1);
            c = line = last + 1;
            last = NULL;
        }
    }
}
