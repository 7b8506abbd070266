/* cli: the command `sightline`. Finds the command that is meant and runs it. */
#include "command.h"
#include "console.h"
#include "options.h"

#include <sightline/error.h>
#include <sightline/settings.h>
#include <sightline/version.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

const struct command commands[] = {
    {"send", FOR_SEND, "[SOURCE]", "the camera end: sends frames to a viewer", run_send},
    {"view", FOR_VIEW, "", "the viewer end: receives frames and shows or stores them", run_view},
    {"cameras", FOR_CAMERAS, "", "what cameras there are, with formats, sizes and rates",
     run_cameras},
    {"doctor", FOR_DOCTOR, "[send|view] [SOURCE]", "why two ends cannot meet, step by step",
     run_doctor},
    {"pair", FOR_PAIR, "", "how a camera and a viewer with a gate get to know each other",
     run_pair},
    {"keys", FOR_KEYS, "make|list|export [camera|viewer]",
     "the CURVE certificates of secure connections: makes, lists and hands them out", run_keys},
    {"help", 0, "[COMMAND]", "what a command does, and its options", run_help},
    {0},
};

/* A command of its own in all but name. */
static const struct command doctor_view = {
    .name = "doctor view",
    .option_set = FOR_DOCTOR_VIEW,
    .operands = "",
    .summary = "why a viewer cannot be where it should, step by step",
};

static const struct command *find_set(int set) {
    const struct command *known = commands;
    while (known->name && known->option_set != set)
        known++;
    return known->name ? known : &doctor_view;
}

const struct command *find_command(const char *name) {
    for (const struct command *known = commands; known->name; known++) {
        if (strcmp(known->name, name) == 0)
            return known;
    }
    return NULL;
}

void fail_unknown_command(const char *name) {
    const char *names[sizeof(commands) / sizeof(commands[0])];
    size_t count = 0;
    for (const struct command *known = commands; known->name; known++)
        names[count++] = known->name;
    const char *nearest = sl_settings_nearest(name, names, count);
    console_fail("there is no command \"%s\"; see: sightline help%s%s%s", name,
                 nearest ? " (did you mean " : "", nearest ? nearest : "", nearest ? "?)" : "");
}

int exit_code(int code) {
    switch (code) {
    case SL_OK:
        return EXIT_DONE;
    case SL_EINVAL:
        return EXIT_USAGE;
    case SL_ESOURCE:
    case SL_ESINK:
        return EXIT_ENDPOINT;
    case SL_EUNREACHABLE:
        return EXIT_UNREACHABLE;
    case SL_EAUTH:
        return EXIT_AUTH;
    case SL_EHOSTKEY:
        return EXIT_HOSTKEY;
    case SL_EFORWARD:
        return EXIT_FORWARD;
    case SL_EPEER:
        return EXIT_PEER;
    case SL_ETIMEOUT:
        return EXIT_TIMEOUT;
    default:
        return EXIT_OTHER;
    }
}

int run_with_options(int count, char **words, int set, int (*run)(struct options *options)) {
    struct options options;
    int status = EXIT_USAGE;
    bool understood = options_read(&options, set, count, words);
    console_set_level(options.log);
    if (!understood)
        console_fail("%s", options.sentence);
    else if (options.help)
        status = print_help(find_set(set));
    else
        status = run(&options);
    options_finish(&options);
    return status;
}

int main(int count, char **words) {
    /* A reader that goes away is an error of one write, not the end of all. */
    signal(SIGPIPE, SIG_IGN);
    console_open();
    if (count < 2) {
        console_fail("no command was given; see: sightline help");
        return EXIT_USAGE;
    }
    if (strcmp(words[1], "--version") == 0) {
        printf("sightline %s\n", sl_version());
        return fflush(stdout) == 0 ? EXIT_DONE : EXIT_OTHER;
    }
    if (strcmp(words[1], "--help") == 0 || strcmp(words[1], "-h") == 0)
        return run_help(1, words + 1);
    const struct command *known = find_command(words[1]);
    if (!known) {
        fail_unknown_command(words[1]);
        return EXIT_USAGE;
    }
    return known->run(count - 1, words + 1);
}
