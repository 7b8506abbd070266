/* frame: numpy's scalar types by name, and the size of arrays of them. */
#include "base/error.h"
#include "base/settings.h"
#include "frame/frame.h"

#include <string.h>

static const struct {
    const char *name;
    size_t size;
} names[] = {
    {"bool", 1},        {"int8", 1},       {"int16", 2},       {"int32", 4},     {"int64", 8},
    {"uint8", 1},       {"uint16", 2},     {"uint32", 4},      {"uint64", 8},    {"float16", 2},
    {"float32", 4},     {"float64", 8},    {"float128", 16},   {"complex64", 8}, {"complex128", 16},
    {"complex256", 32}, {"datetime64", 8}, {"timedelta64", 8},
};

/* numpy's short names, which it uses for another byte order: a kind and its sizes. */
static const struct {
    char kind;
    const char *name;
    size_t size;
} codes[] = {
    {'b', "1", 1},   {'i', "1", 1}, {'i', "2", 2},   {'i', "4", 4},   {'i', "8", 8}, {'u', "1", 1},
    {'u', "2", 2},   {'u', "4", 4}, {'u', "8", 8},   {'f', "2", 2},   {'f', "4", 4}, {'f', "8", 8},
    {'f', "16", 16}, {'c', "8", 8}, {'c', "16", 16}, {'c', "32", 32}, {'M', "8", 8}, {'m', "8", 8},
};

/* Whether numpy knows it, as in [ns] or [25s]. */
static bool is_unit(const char *text, size_t length) {
    static const char *const units[] = {"Y",  "M",  "W",  "D",  "h",  "m", "s",
                                        "ms", "us", "ns", "ps", "fs", "as"};
    size_t digits = strspn(text, "0123456789");
    for (size_t i = 0; i < SL_COUNT(units); i++) {
        if (length == digits + strlen(units[i]) &&
            strncmp(text + digits, units[i], length - digits) == 0)
            return true;
    }
    return false;
}

/* Length of the name without the unit of a date, as in "datetime64[ns]"; 0 if that is malformed. */
static size_t bare_length(const char *dtype) {
    size_t length = strcspn(dtype, "[");
    if (!dtype[length])
        return length;
    const char *unit = dtype + length + 1;
    size_t letters = strcspn(unit, "]");
    bool closed = strcmp(unit + letters, "]") == 0;
    bool date = strncmp(dtype, "datetime64", 10) == 0 || strncmp(dtype, "timedelta64", 11) == 0 ||
                strchr("Mm", dtype[strspn(dtype, "<>=|")]);
    return closed && date && is_unit(unit, letters) ? length : 0;
}

static bool is(const char *name, const char *text, size_t length) {
    return strlen(name) == length && strncmp(name, text, length) == 0;
}

size_t sl_dtype_size(const char *dtype) {
    if (!dtype || strnlen(dtype, SL_DTYPE_MAX) >= SL_DTYPE_MAX)
        return 0;
    size_t length = bare_length(dtype);
    for (size_t i = 0; i < SL_COUNT(names); i++) {
        if (is(names[i].name, dtype, length))
            return names[i].size;
    }
    if (length && strchr("<>=|", *dtype)) {
        dtype++;
        length--;
    }
    if (length < 2)
        return 0;
    for (size_t i = 0; i < SL_COUNT(codes); i++) {
        if (*dtype == codes[i].kind && is(codes[i].name, dtype + 1, length - 1))
            return codes[i].size;
    }
    return 0;
}

int sl_array_size(const char *dtype, int dimensions, const int64_t *shape, size_t limit,
                  size_t *bytes) {
    *bytes = sl_dtype_size(dtype);
    if (*bytes == 0)
        return sl_fail(SL_EINVAL, "the dtype \"%.40s\" is none that can be carried",
                       dtype ? dtype : "");
    if (dimensions < 0 || dimensions > SL_DIMENSIONS_MAX)
        return sl_fail(SL_EINVAL, "an array has %d dimensions; up to %d can be carried", dimensions,
                       SL_DIMENSIONS_MAX);
    bool empty = false;
    for (int i = 0; i < dimensions; i++) {
        if (shape[i] < 0)
            return sl_fail(SL_EINVAL, "an array's side is negative");
        empty = empty || shape[i] == 0;
    }
    for (int i = 0; i < dimensions && !empty; i++) {
        if ((uint64_t)shape[i] > limit / *bytes)
            return sl_fail(SL_EINVAL, "an array is larger than the %zu bytes that are allowed",
                           limit);
        *bytes *= (size_t)shape[i];
    }
    if (empty)
        *bytes = 0;
    if (*bytes > limit)
        return sl_fail(SL_EINVAL, "an array is larger than the %zu bytes that are allowed", limit);
    return SL_OK;
}
