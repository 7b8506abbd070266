/* sink/recording: what a recorder's files are called. Used by segment.c and retention.c. */
#include "sink/recording/naming.h"
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define LETTERS  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
#define YEAR_10K INT64_C(253402300800)

bool sl_naming_is_id(const char *id) {
    size_t length = strlen(id);
    return length > 0 && length < SL_VIEW_ID_MAX && id[0] != '.' &&
           strspn(id, LETTERS ".") == length;
}

void sl_naming_make_id(char id[SL_VIEW_ID_MAX], const char *port) {
    size_t used = (size_t)snprintf(id, SL_VIEW_ID_MAX, "camera");
    bool apart = true;
    for (; port && *port && used + 2 < SL_VIEW_ID_MAX; port++) {
        if (!strchr(LETTERS, *port))
            continue;
        if (apart)
            id[used++] = '-';
        apart = false;
        id[used++] = *port;
    }
    id[used] = '\0';
}

bool sl_naming_has_time(int64_t utc_us) {
    return utc_us > 0 && utc_us < YEAR_10K * SL_SECOND_US;
}

void sl_naming_segment(char name[SL_SEGMENT_NAME_MAX], const char *id, int64_t utc_us, int copy) {
    time_t seconds = (time_t)(utc_us / SL_SECOND_US);
    int ms = (int)(utc_us / 1000 % 1000);
    struct tm moment = {0};
    char when[32] = "", number[16] = "";
    gmtime_r(&seconds, &moment);
    strftime(when, sizeof(when), "%Y%m%dT%H%M%S", &moment);
    if (copy > 1)
        snprintf(number, sizeof(number), "-%d", copy);
    snprintf(name, SL_SEGMENT_NAME_MAX, "%s_%s.%03dZ%s.mkv", id, when, ms, number);
}

/* Whether `text` looks like `form`, in which a 0 stands for any digit; what follows it, or NULL. */
static const char *match(const char *text, const char *form) {
    for (; *form; form++, text++) {
        bool digit = *text >= '0' && *text <= '9';
        if (*form == '0' ? !digit : *text != *form)
            return NULL;
    }
    return text;
}

bool sl_naming_is_segment(const char *name, const char *id) {
    size_t length = strlen(id);
    if (strncmp(name, id, length) != 0)
        return false;
    const char *rest = match(name + length, "_00000000T000000.000Z");
    if (rest && *rest == '-' && strspn(rest + 1, "0123456789") > 0)
        rest += 1 + strspn(rest + 1, "0123456789");
    return rest && strcmp(rest, ".mkv") == 0;
}
