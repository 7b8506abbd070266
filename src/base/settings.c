/* base: settings by name, from one table of options a group. */
#include "base/settings.h"
#include "base/error.h"
#include "base/file.h"
#include "base/option.h"
#include "base/text.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX 1048576
#define LINE_BYTES     4096
#define SHOWN_BYTES    40 /* of what can't be understood: it may be no settings at all */

/* A string that belongs to the settings. */
struct sl_settings_string {
    struct sl_settings_string *next;
    char text[];
};

static void *field_of(void *settings, const sl_option_group *group, const sl_option *option) {
    return (char *)settings + group->offset + option->offset;
}

static const sl_option *find(const sl_settings *settings, const char *name,
                             const sl_option_group **in) {
    for (const sl_option_group *group = settings->groups; group->options; group++) {
        for (size_t i = 0; i < group->count; i++) {
            if (strcmp(group->options[i].name, name) == 0) {
                *in = group;
                return &group->options[i];
            }
        }
    }
    return NULL;
}

/* A copy that lives as long as the settings, or NULL. */
static const char *keep_string(sl_settings *settings, const char *text) {
    size_t size = strlen(text) + 1;
    struct sl_settings_string *string = malloc(sizeof(*string) + size);
    if (!string)
        return NULL;
    memcpy(string->text, text, size);
    string->next = settings->strings;
    settings->strings = string;
    return string->text;
}

void sl_settings_init(void *settings, size_t size, const sl_option_group *groups) {
    memset(settings, 0, size);
    ((sl_settings *)settings)->groups = groups;
    for (const sl_option_group *group = groups; group->options; group++) {
        for (size_t i = 0; i < group->count; i++) {
            const sl_option *option = &group->options[i];
            void *field = field_of(settings, group, option);
            if (!option->fallback)
                continue;
            if (option->type == SL_OPTION_STRING)
                *(const char **)field = option->fallback;
            else
                sl_option_read(option, field, option->fallback, false);
        }
    }
}

/* Gives `to` copies of its own of the strings that it shares with another. */
static int keep_strings(void *to) {
    for (const sl_option_group *group = sl_settings_groups(to); group->options; group++) {
        for (size_t i = 0; i < group->count; i++) {
            if (group->options[i].type != SL_OPTION_STRING)
                continue;
            const char **field = field_of(to, group, &group->options[i]);
            if (!*field)
                continue;
            *field = keep_string(to, *field);
            if (!*field)
                return SL_ENOMEM;
        }
    }
    return SL_OK;
}

int sl_settings_copy(void *to, const void *from, size_t size) {
    memcpy(to, from, size);
    ((sl_settings *)to)->strings = NULL;
    if (keep_strings(to) < 0) {
        sl_settings_finish(to);
        return sl_fail_memory();
    }
    return SL_OK;
}

void sl_settings_finish(void *settings) {
    sl_settings *own = settings;
    while (own->strings) {
        struct sl_settings_string *string = own->strings;
        own->strings = string->next;
        /* It may be a password. */
        explicit_bzero(string->text, strlen(string->text));
        free(string);
    }
}

const sl_option *sl_settings_find(const void *settings, const char *name) {
    const sl_option_group *group;
    return find(settings, name, &group);
}

const sl_option_group *sl_settings_groups(const void *settings) {
    return ((const sl_settings *)settings)->groups;
}

/* What was meant by a word that is not known. */
struct guess {
    const char *word;
    const char *nearest; /* NULL: nothing was near enough yet */
    size_t distance;     /* what is nearer than that would be */
};

static struct guess begin_guess(const char *word) {
    return (struct guess){.word = word, .distance = (strlen(word) + 2) / 3 + 1};
}

static void consider(struct guess *guess, const char *known) {
    size_t away = sl_text_distance(guess->word, known);
    if (away >= guess->distance)
        return;
    guess->distance = away;
    guess->nearest = known;
}

const char *sl_settings_nearest(const char *word, const char *const *known, size_t count) {
    struct guess guess = begin_guess(word);
    for (size_t i = 0; i < count; i++)
        consider(&guess, known[i]);
    return guess.nearest;
}

static void consider_options(struct guess *guess, const void *settings) {
    for (const sl_option_group *group = sl_settings_groups(settings); group->options; group++)
        for (size_t i = 0; i < group->count; i++)
            consider(guess, group->options[i].name);
}

/* What stands behind text of which only SHOWN_BYTES are shown. */
static const char *cut_mark(const char *text) {
    return strlen(text) > SHOWN_BYTES ? "…" : "";
}

static int fail_unknown(void *const *settings, size_t count, const char *name) {
    struct guess guess = begin_guess(name);
    for (size_t i = 0; i < count; i++)
        consider_options(&guess, settings[i]);
    if (guess.nearest)
        return sl_fail(SL_EINVAL, "there is no option \"%.*s%s\"; did you mean %s?", SHOWN_BYTES,
                       name, cut_mark(name), guess.nearest);
    return sl_fail(SL_EINVAL, "there is no option \"%.*s%s\"", SHOWN_BYTES, name, cut_mark(name));
}

/* What takes a list in place of `option` takes this value if it is one, and else nothing. */
static const sl_option *choose(void *settings, const sl_option *option, const char *value) {
    const sl_option_group *group;
    const sl_option *several = option->several ? find(settings, option->several, &group) : NULL;
    if (!several || strchr(value, ','))
        return several ? several : option;
    *(const char **)field_of(settings, group, several) = NULL;
    return option;
}

int sl_settings_set(void *settings, const char *name, const char *value) {
    const sl_option_group *group;
    const sl_option *option = find(settings, name, &group);
    if (!option)
        return fail_unknown(&settings, 1, name);
    option = choose(settings, option, value);
    void *field = field_of(settings, group, option);
    if (option->type != SL_OPTION_STRING)
        return sl_option_read(option, field, value, true);
    const char *kept = keep_string(settings, value);
    if (!kept)
        return sl_fail_memory();
    *(const char **)field = kept;
    return SL_OK;
}

int sl_settings_offer(void *const *settings, size_t count, const char *name, const char *value) {
    bool known = false;
    for (size_t i = 0; i < count; i++) {
        if (!sl_settings_find(settings[i], name))
            continue;
        known = true;
        int code = sl_settings_set(settings[i], name, value);
        if (code < 0)
            return code;
    }
    return known ? SL_OK : fail_unknown(settings, count, name);
}

static void cut_comment(char *line) {
    for (char *c = line; *c; c++) {
        if (*c == '#' && (c == line || c[-1] == ' ' || c[-1] == '\t')) {
            *c = '\0';
            return;
        }
    }
}

/* One line of the file; empty ones are fine. */
static int take_line(void *const *settings, size_t count, char *line) {
    cut_comment(line);
    char *name = sl_text_trim(line);
    if (!*name)
        return SL_OK;
    char *equals = strchr(name, '=');
    if (!equals)
        return sl_fail(SL_EINVAL, "\"%.*s%s\" is not a line like name = value", SHOWN_BYTES, name,
                       cut_mark(name));
    *equals = '\0';
    return sl_settings_offer(settings, count, sl_text_trim(name), sl_text_trim(equals + 1));
}

/* One line of the file and what is wrong with it. */
static int read_lines(void *const *settings, size_t count, FILE *file, const char *path) {
    char line[LINE_BYTES];
    int code = SL_OK;
    for (int number = 1; code == SL_OK && fgets(line, sizeof(line), file); number++) {
        if (!strchr(line, '\n') && !feof(file))
            code = sl_fail(SL_EINVAL, "it is longer than %d bytes, or not text", LINE_BYTES - 2);
        else
            code = take_line(settings, count, line);
        if (code == SL_EINVAL)
            sl_fail(code, "%s, line %d: %s", path, number, sl_error());
    }
    if (code == SL_OK && ferror(file))
        code = sl_fail(SL_ESYSTEM, "cannot read the settings in %s: %s", path, strerror(errno));
    explicit_bzero(line, sizeof(line));
    return code;
}

int sl_settings_load(void *const *settings, size_t count, const char *path) {
    FILE *file;
    int code = sl_file_open(&file, path, FILE_BYTES_MAX);
    if (code < 0)
        return sl_fail(code, "the settings cannot be had: %s", sl_error());
    code = read_lines(settings, count, file, path);
    fclose(file);
    return code;
}
