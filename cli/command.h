/* cli: what a command is, and how commands end. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>

enum {
    EXIT_DONE = 0,
    EXIT_OTHER = 1,
    EXIT_USAGE = 2,
    EXIT_ENDPOINT = 3, /* the source or the sink failed */
    EXIT_UNREACHABLE = 4,
    EXIT_AUTH = 5,
    EXIT_HOSTKEY = 6,
    EXIT_FORWARD = 7,
    EXIT_PEER = 8,
    EXIT_TIMEOUT = 9,
};

struct command {
    const char *name;
    int option_set;                      /* which options it has: see options.h; 0: none */
    const char *operands;                /* for its usage line */
    const char *summary;                 /* one line, no full stop */
    int (*run)(int count, char **words); /* words[0] is the command's name; gives the exit code */
};

/* All commands, ended by one without a name. */
extern const struct command commands[];

const struct command *find_command(const char *name);

/* Says that there is no such command, and which may be meant. */
void fail_unknown_command(const char *name);

int run_send(int count, char **words);
int run_view(int count, char **words);
int run_cameras(int count, char **words);
int run_doctor(int count, char **words);
int run_pair(int count, char **words);
int run_keys(int count, char **words);
int run_help(int count, char **words);

/* How most commands begin and end: reads what was typed, of this set of options, and either says
 * what is wrong with it, prints the help that was asked for, or gives the exit code of `run`. */
struct options;
int run_with_options(int count, char **words, int set, int (*run)(struct options *options));

/* Prints a command's help to standard output; gives the exit code. */
int print_help(const struct command *about);

/* The exit code that stands for a library's SL_E… code. */
int exit_code(int code);

#endif
