/* base: one option's value, from text into its field. Used by settings.c alone. */
#include "base/option.h"
#include "base/error.h"
#include "base/settings.h"

#include <ctype.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The unit in "0 to 2000 ms" or "0 kbit/s or more", with the space before it; "" where none is. */
static int find_unit(const sl_option *option, const char **unit) {
    const char *values = option->values ? option->values : "";
    *unit = "";
    if (!isdigit((unsigned char)values[0]))
        return 0;
    for (const char *space = strchr(values, ' '); space; space = strchr(space + 1, ' ')) {
        const char *word = space + 1;
        bool plain = strncmp(word, "to ", 3) == 0 || strncmp(word, "or ", 3) == 0 ||
                     strcmp(word, "more") == 0 || isdigit((unsigned char)*word);
        if (plain)
            continue;
        *unit = space;
        return 1 + (int)strcspn(word, " ");
    }
    return 0;
}

/* "from 10 to 100", or "at least 4" where the upper end is far from what anybody means and `number`
 * does not exceed it. */
static const char *range(const sl_option *option, double number, char *text, size_t size) {
    const char *unit;
    int length = find_unit(option, &unit);
    if (option->maximum >= INT_MAX && number <= option->maximum)
        snprintf(text, size, "at least %.15g%.*s", option->minimum, length, unit);
    else
        snprintf(text, size, "from %.15g to %.15g%.*s", option->minimum, option->maximum, length,
                 unit);
    return text;
}

/* A plain decimal number, whatever the host's locale writes. */
static bool parse_number(const char *value, double *number) {
    if (!*value || strspn(value, "+-.0123456789eE") != strlen(value))
        return false;
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!plain)
        return false;
    char *end;
    *number = strtod_l(value, &end, plain);
    freelocale(plain);
    return *end == '\0' && isfinite(*number);
}

static int read_number(const sl_option *option, const char *value, bool checked, double *number) {
    char text[80];
    double parsed;
    if (!parse_number(value, &parsed))
        return sl_fail(SL_EINVAL, "%s must be a number %s, not \"%s\"", option->name,
                       range(option, 0, text, sizeof(text)), value);
    /* NetGear cuts the fraction off, and so do we. */
    if (option->type == SL_OPTION_INT)
        parsed = trunc(parsed);
    bool fits = option->type != SL_OPTION_INT || fabs(parsed) <= INT_MAX;
    if (!fits || (checked && (parsed < option->minimum || parsed > option->maximum)))
        return sl_fail(SL_EINVAL, "%s must be %s, not %s", option->name,
                       range(option, parsed, text, sizeof(text)), value);
    *number = parsed;
    return SL_OK;
}

static int read_int(const sl_option *option, int *field, const char *value, bool checked) {
    double number;
    int code = read_number(option, value, checked, &number);
    if (code < 0)
        return code;
    *field = (int)number;
    return SL_OK;
}

static int read_bool(const sl_option *option, bool *field, const char *value) {
    static const char *const words[][2] = {
        {"true", "false"}, {"yes", "no"}, {"on", "off"}, {"1", "0"}};
    for (size_t i = 0; i < SL_COUNT(words); i++) {
        bool yes = strcasecmp(value, words[i][0]) == 0;
        if (yes || strcasecmp(value, words[i][1]) == 0) {
            *field = yes;
            return SL_OK;
        }
    }
    return sl_fail(SL_EINVAL, "%s must be true or false, not \"%s\"", option->name, value);
}

/* Whether `value` is one of the words in "pair|0". */
static bool is_word(const char *words, const char *value) {
    size_t length = strlen(value);
    for (const char *word = words; length; word++) {
        size_t end = strcspn(word, "|");
        if (end == length && strncasecmp(word, value, length) == 0)
            return true;
        word += end;
        if (!*word)
            break;
    }
    return false;
}

static int read_choice(const sl_option *option, int *field, const char *value) {
    char words[256] = "";
    for (int i = 0; option->choices[i]; i++) {
        if (is_word(option->choices[i], value)) {
            *field = i;
            return SL_OK;
        }
        size_t used = strlen(words);
        const char *between = i == 0 ? "" : option->choices[i + 1] ? ", " : " or ";
        snprintf(words + used, sizeof(words) - used, "%s%.*s", between,
                 (int)strcspn(option->choices[i], "|"), option->choices[i]);
    }
    return sl_fail(SL_EINVAL, "%s must be %s, not \"%s\"", option->name, words, value);
}

static int read_size(const sl_option *option, sl_size *field, const char *value) {
    sl_size size;
    char rest;
    bool plain = strspn(value, "0123456789xX") == strlen(value) && strlen(value) <= 11;
    if (!plain || sscanf(value, "%5d%*1[xX]%5d%c", &size.width, &size.height, &rest) != 2 ||
        size.width < 1 || size.height < 1 || size.width > 65535 || size.height > 65535)
        return sl_fail(SL_EINVAL, "%s must be WIDTHxHEIGHT, such as 1280x720, not \"%s\"",
                       option->name, value);
    *field = size;
    return SL_OK;
}

static int read_parsed(const sl_option *option, void *field, const char *value) {
    char sentence[512];
    sl_error_clear();
    int code = option->parse(field, value);
    if (code >= 0)
        return SL_OK;
    if (!sl_error_said())
        return sl_fail(code, "%s must be %s, not \"%s\"", option->name,
                       option->values ? option->values : "something else", value);
    snprintf(sentence, sizeof(sentence), "%s", sl_error());
    if (strstr(sentence, option->name) == sentence)
        return code;
    return sl_fail(code, "%s: %s", option->name, sentence);
}

int sl_option_read(const sl_option *option, void *field, const char *value, bool checked) {
    switch (option->type) {
    case SL_OPTION_BOOL:
        return read_bool(option, field, value);
    case SL_OPTION_INT:
        return read_int(option, field, value, checked);
    case SL_OPTION_NUMBER:
        return read_number(option, value, checked, field);
    case SL_OPTION_CHOICE:
        return read_choice(option, field, value);
    case SL_OPTION_SIZE:
        return read_size(option, field, value);
    case SL_OPTION_PARSED:
        return read_parsed(option, field, value);
    case SL_OPTION_STRING:
        break;
    }
    return sl_fail(SL_EINVAL, "%s is of a kind that can't be read from text", option->name);
}
