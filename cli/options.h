/* cli: the options of all commands, in one table. Most stand for one of the library's settings,
 * which then says what they take, their range, default and help. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <sightline/link.h>
#include <sightline/log.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sets of options: which commands have one. */
enum {
    FOR_SEND = 1,
    FOR_VIEW = 2,
    FOR_CAMERAS = 4,
    FOR_DOCTOR = 8,
    FOR_PAIR = 16,
    FOR_KEYS = 32,
    FOR_DOCTOR_VIEW = 64,
};

struct option_row {
    const char *name; /* without dashes */
    int sets;
    const char *setting;  /* what it sets; NULL: it is the command's own */
    const char *constant; /* what it sets that to; NULL: the option's value */
    const char *values;   /* how help writes the value; NULL: it takes none */
    const char *help;     /* NULL: the setting's */
};

/* Ended by a row without a name. */
extern const struct option_row option_rows[];

/* The command's own default for how the ends take turns; the library's settings keep NetGear's. */
#define USUAL_PATTERN SL_PATTERN_LIVE

/* What was typed. */
struct options {
    const char *operand; /* SOURCE, or NULL; of keys: what to do */
    const char *second;  /* of keys: for whom, or NULL */
    const char *command; /* whose options they are: its name, */
    int set;             /* and its set */
    bool help, json, list, overwrite;
    const char *join, *host, *revoke;                  /* NULL: none */
    const char *message, *returned, *returned_picture; /* the same */
    uint64_t frames;                                   /* 0: no limit */
    double duration_s;                                 /* 0: no limit */
    double timeout_s;                                  /* 0: for ever */
    const char *stats;                                 /* NULL: none */
    sl_log_level log;
    bool quiet, log_typed;

    const char *config; /* NULL: the user's own, if there is one */
    struct typed {
        const char *option, *name, *value; /* "--quality", "jpeg_compression_quality", "90" */
    } * typed;                             /* settings, in order */
    size_t typed_count;
    char *copies;        /* of KEY=VALUE, split; of --to, joined */
    char sentence[1024]; /* the first thing wrong with all this; "" when nothing is */
};

/* Reads the words of a command. False when they are not understood; what was understood is there
 * all the same, so that the failure can be reported as asked for. */
bool options_read(struct options *options, int set, int count, char **words);

/* Gives the settings their values: first the configuration file's, whose names may also be those
 * of `others`, then what was typed. SL_OK or SL_EINVAL. */
int options_apply(struct options *options, void *const *settings, size_t count, void *const *others,
                  size_t other_count);

/* What some settings do nothing without. */
struct reliance {
    const char *settings; /* how their names begin */
    bool met;             /* what they need is there */
    const char *needed;   /* in words: "an SSH server (--ssh)" */
};

/* What settings of the link need. */
#define NEEDS_REPLIES "replies, which only pair and reqrep have (--pattern pair)"
#define NEEDS_LIVE    "the pattern live (--pattern live)"
#define NEEDS_NETGEAR "a pattern of NetGear's (--pattern pair, reqrep or pubsub)"
#define NEEDS_ANSWERS "replies to JPEG (pair, reqrep) or the pattern live"
#define NEEDS_JPEG    "JPEG that the viewer answers (pair, reqrep, or live with video_codec=jpeg)"
#define NEEDS_MULTI   "multiserver_mode or multiclient_mode"
#define NEEDS_SECURE  "secure_mode (--secure-mode)"

/* What a setting was last set to by its name or an option; NULL: nobody typed it. */
const char *options_typed(const struct options *options, const char *setting);

/* Whether all that was typed can have an effect. A configuration file may hold what only other
 * lines use. */
bool options_check_effect(struct options *options, const struct reliance *reliances, size_t count);

void options_finish(struct options *options);

#endif
