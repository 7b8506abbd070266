/* cli: `sightline help`. What it says about an option comes from the table of options and from the
 * settings they stand for, so that help, range and default are those in force. */
#include "command.h"
#include "console.h"
#include "options.h"
#include "viewer_end.h"

#include <ctype.h>
#include <limits.h>
#include <sightline/sightline.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH        80
#define HELP_COLUMN  30
#define SETTINGS_MAX 4

/* The settings a command takes options by name for. */
struct known {
    sl_sender_settings sender;
    sl_source_settings source;
    struct viewer_end viewer;
    void *all[SETTINGS_MAX];
    size_t count;
};

static void init_known(struct known *known, int set) {
    sl_sender_settings_init(&known->sender);
    sl_source_settings_init(&known->source);
    viewer_end_init(&known->viewer);
    known->count = 0;
    if (set & (FOR_SEND | FOR_DOCTOR)) {
        known->all[known->count++] = &known->sender;
        known->all[known->count++] = &known->source;
    } else if (set & (FOR_VIEW | FOR_DOCTOR_VIEW | FOR_PAIR)) {
        known->all[known->count++] = &known->viewer.receiver;
        known->all[known->count++] = &known->viewer.sink;
        known->all[known->count++] = &known->viewer.recorder;
        known->all[known->count++] = &known->viewer.web;
    }
}

static const sl_option *find_setting(const struct known *known, const char *name) {
    const sl_option *found = NULL;
    for (size_t i = 0; i < known->count && !found && name; i++)
        found = sl_settings_find(known->all[i], name);
    return found;
}

/* How wide the first bytes of a text are, in UTF-8: its letters. */
static int width(const char *text, size_t bytes) {
    int letters = 0;
    for (size_t i = 0; i < bytes; i++)
        letters += ((unsigned char)text[i] & 0xC0) != 0x80;
    return letters;
}

/* Prints words, broken into lines that begin at `column`, where the cursor is. */
static void print_wrapped(const char *words, int column) {
    int at = column;
    while (*words) {
        size_t length = strcspn(words, " ");
        if (at > column && at + width(words, length) >= WIDTH) {
            printf("\n%*s", column, "");
            at = column;
        }
        printf("%.*s", (int)length, words);
        at += width(words, length);
        words += length;
        if (*words == ' ') {
            words++;
            at++;
            if (at + width(words, strcspn(words, " ")) < WIDTH)
                putchar(' ');
        }
    }
    putchar('\n');
}

/* Prints "  left" and, from HELP_COLUMN on, what it means. */
static void print_entry(const char *left, const char *meaning) {
    int used = 2 + width(left, strlen(left));
    printf("  %s", left);
    if (used + 2 > HELP_COLUMN) {
        putchar('\n');
        used = 0;
    }
    printf("%*s", HELP_COLUMN - used, "");
    print_wrapped(meaning, HELP_COLUMN);
}

/* "10 to 100", "pair, reqrep or pubsub": what an option takes. */
static void describe_values(const sl_option *option, char *text, size_t size) {
    text[0] = '\0';
    if (option->type == SL_OPTION_CHOICE) {
        for (int i = 0; option->choices[i]; i++) {
            size_t used = strlen(text);
            snprintf(text + used, size - used, "%s%.*s", i == 0 ? "" : "|",
                     (int)strcspn(option->choices[i], "|"), option->choices[i]);
        }
    } else if (option->values) {
        snprintf(text, size, "%s", option->values);
    } else if (option->type == SL_OPTION_INT || option->type == SL_OPTION_NUMBER) {
        if (option->maximum >= INT_MAX)
            snprintf(text, size, "%.15g or more", option->minimum);
        else
            snprintf(text, size, "%.15g to %.15g", option->minimum, option->maximum);
    } else if (option->type == SL_OPTION_BOOL) {
        snprintf(text, size, "true|false");
    } else if (option->type == SL_OPTION_SIZE) {
        snprintf(text, size, "WIDTHxHEIGHT");
    } else {
        snprintf(text, size, "TEXT");
    }
}

/* The default, where it is a value that could be typed; others stand in the help's words. */
static const char *typed_default(const sl_option *option) {
    if (strcmp(option->name, "pattern") == 0)
        return sl_pattern_name(USUAL_PATTERN);
    bool ranged = option->type == SL_OPTION_INT || option->type == SL_OPTION_NUMBER;
    if (ranged && option->fallback && atof(option->fallback) < option->minimum)
        return NULL;
    return option->fallback;
}

static void print_row(const struct known *known, const struct option_row *row) {
    const sl_option *setting = find_setting(known, row->setting);
    char left[80], meaning[512], values[160];
    snprintf(left, sizeof(left), "--%s%s%s", row->name, row->values ? " " : "",
             row->values ? row->values : "");
    int used = snprintf(meaning, sizeof(meaning), "%s",
                        row->help ? row->help
                        : setting ? setting->help
                                  : "");
    if (setting && !row->constant) {
        describe_values(setting, values, sizeof(values));
        bool told = row->values && strcmp(row->values, values) == 0;
        if (isdigit((unsigned char)values[0]) && !told)
            used += snprintf(meaning + used, sizeof(meaning) - (size_t)used, "; %s", values);
        if (typed_default(setting))
            snprintf(meaning + used, sizeof(meaning) - (size_t)used, " (default %s)",
                     typed_default(setting));
    }
    print_entry(left, meaning);
}

/* Everything that -o takes. */
static void print_settings(const void *settings) {
    for (const sl_option_group *group = sl_settings_groups(settings); group->options; group++) {
        printf("\n%s, by name:\n", group->title);
        for (size_t i = 0; i < group->count; i++) {
            const sl_option *option = &group->options[i];
            char left[256], values[160], meaning[512];
            describe_values(option, values, sizeof(values));
            snprintf(left, sizeof(left), "-o %s=%s", option->name,
                     strlen(values) < 40 ? values : "VALUE");
            const char *usual = typed_default(option);
            snprintf(meaning, sizeof(meaning), "%s%s%s%s", option->help, usual ? " (default " : "",
                     usual ? usual : "", usual ? ")" : "");
            print_entry(left, meaning);
        }
    }
}

static void print_about(const struct command *about) {
    struct known known;
    printf("Usage: sightline %s%s%s%s\n\n", about->name, about->option_set ? " [OPTIONS]" : "",
           about->operands[0] ? " " : "", about->operands);
    printf("sightline %s is %s.\n", about->name, about->summary);
    if (about->option_set == FOR_SEND)
        print_wrapped(
            "SOURCE is a camera by number (0) or device (/dev/video2), a file, an rtsp:// "
            "or http:// URL, screen:, pattern:WIDTHxHEIGHT@FPS, or - for standard input. "
            "Without one it is camera 0.",
            0);
    if (about->option_set == FOR_DOCTOR)
        print_wrapped(
            "It takes the words of `sightline send`, walks the same way to the viewer, and "
            "sends nothing. Behind the word view it takes those of `sightline view`, and looks "
            "whether a viewer can listen, above all at an SSH server (--ssh), and who reaches it "
            "there.",
            0);
    if (about->option_set == FOR_DOCTOR_VIEW)
        print_wrapped(
            "It takes the words of `sightline view`, and looks whether a viewer can listen, above "
            "all at an SSH server (--ssh), and who reaches it there. What becomes of frames does "
            "not matter to it.",
            0);
    if (about->option_set == FOR_PAIR)
        print_wrapped(
            "It is typed at the viewer, and prints one line: an invitation for one camera, which "
            "accepts it with `sightline send` and finds its viewer from then on.",
            0);
    if (about->option_set == FOR_KEYS)
        print_wrapped(
            "make makes new ones, for the camera, the viewer, or both; list tells which there are; "
            "export prints the public one that the other end needs, for a file in the folder "
            "public_keys there: the viewer's is to be called server.key, a camera's anything that "
            "ends with .key.",
            0);
    if (about->option_set == 0)
        return;
    printf("\nOptions:\n");
    init_known(&known, about->option_set);
    for (const struct option_row *row = option_rows; row->name; row++) {
        if (row->sets & about->option_set)
            print_row(&known, row);
    }
    if (known.count > 0)
        print_entry("-o KEY=VALUE", about->option_set == FOR_PAIR
                                        ? "Set any of the viewer's options by its name"
                                        : "Set any of the options below by its name");
    for (size_t i = 0; i < known.count && about->option_set != FOR_PAIR; i++)
        print_settings(known.all[i]);
}

int print_help(const struct command *about) {
    print_about(about);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_OTHER;
}

static void print_overview(void) {
    printf("Usage: sightline COMMAND [OPTIONS]\n\n"
           "Carries live video frames from a camera to a viewer, newest first, through SSH.\n\n"
           "Commands:\n");
    for (const struct command *known = commands; known->name; known++) {
        char left[80];
        snprintf(left, sizeof(left), "%s %s", known->name, known->operands);
        print_entry(left, known->summary);
    }
    printf("\n  --help, --version\n\n"
           "At the viewer:   sightline view --address 127.0.0.1\n"
           "At the camera:   sightline send 0 --ssh user@viewer.example\n\n"
           "Or, where the viewer has no SSH server, once:\n"
           "At the viewer:   sightline view --gate 2222, and there too: sightline pair\n"
           "At the camera:   sightline send 0 --join LINE\n\n"
           "More about a command: sightline help COMMAND, and man sightline.\n");
}

int run_help(int count, char **words) {
    if (count > 2) {
        console_fail("\"%s\" is one word too many; see: sightline help", words[2]);
        return EXIT_USAGE;
    }
    if (count == 2) {
        const struct command *about = find_command(words[1]);
        if (!about) {
            fail_unknown_command(words[1]);
            return EXIT_USAGE;
        }
        return print_help(about);
    }
    print_overview();
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_OTHER;
}
