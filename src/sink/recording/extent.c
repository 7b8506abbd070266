/* sink/recording: how long or how large something may be. Used by the recorder's options. */
#include "sink/recording/extent.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/settings.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LARGEST (INT64_C(1) << 60) /* microseconds or bytes: what is longer nobody means */

struct unit {
    const char *name;
    int64_t size; /* microseconds or bytes */
};

/* In lower case alone: "10M" may mean minutes or megabytes. */
static const struct unit times[] = {
    {"s", SL_SECOND_US},        {"m", 60 * SL_SECOND_US},    {"min", 60 * SL_SECOND_US},
    {"h", 3600 * SL_SECOND_US}, {"d", 86400 * SL_SECOND_US}, {"w", 604800 * SL_SECOND_US},
};

/* In any case. */
static const struct unit sizes[] = {
    {"kB", 1000},
    {"MB", 1000000},
    {"GB", 1000000000},
    {"TB", 1000000000000},
    {"KiB", INT64_C(1) << 10},
    {"MiB", INT64_C(1) << 20},
    {"GiB", INT64_C(1) << 30},
    {"TiB", INT64_C(1) << 40},
};

static int64_t unit_size(const struct unit *units, size_t count, const char *name,
                         int (*compare)(const char *, const char *)) {
    for (size_t i = 0; i < count; i++)
        if (compare(units[i].name, name) == 0)
            return units[i].size;
    return 0;
}

static int fail_unit(const char *value, const char *unit) {
    if (!*unit)
        return sl_fail(SL_EINVAL,
                       "\"%s\" needs a unit: 10m or 7d for a time, 500MB or 20GB for a "
                       "size",
                       value);
    if (strlen(unit) == 1 && strchr("kKMgGtT", *unit))
        return sl_fail(SL_EINVAL, "\"%s\" is no size: say %.*s%cB", value, (int)(unit - value),
                       value, *unit);
    return sl_fail(SL_EINVAL,
                   "\"%.40s\" is neither a time (s, m, h, d, w) nor a size (kB, MB, GB, "
                   "TB): say 10m, 7d, 500MB or 20GB",
                   value);
}

int sl_extent_parse(void *field, const char *value) {
    size_t digits = strspn(value, "0123456789");
    const char *unit = value + digits;
    if (strcmp(value, "0") == 0) {
        *(sl_extent *)field = (sl_extent){0};
        return SL_OK;
    }
    int64_t time = unit_size(times, SL_COUNT(times), unit, strcmp);
    int64_t size = time ? time : unit_size(sizes, SL_COUNT(sizes), unit, strcasecmp);
    if (digits == 0 || size == 0)
        return fail_unit(value, digits ? unit : value);
    int64_t count = digits < 19 ? strtoll(value, NULL, 10) : LARGEST;
    if (count == 0)
        return sl_fail(SL_EINVAL, "\"%s\" is nothing: say 0 for no limit", value);
    if (count > LARGEST / size)
        return sl_fail(SL_EINVAL, "\"%.40s\" is too much: say 0 for no limit", value);
    *(sl_extent *)field =
        (sl_extent){.us = time ? count * size : 0, .bytes = time ? 0 : count * size};
    return SL_OK;
}
