/* cli: the options of all commands. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <sightline/error.h>
#include <sightline/receiver.h>
#include <sightline/sender.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define SENDER   (FOR_SEND | FOR_DOCTOR) /* a line that sends can be examined as it is */
#define VIEWER   (FOR_VIEW | FOR_DOCTOR_VIEW)
#define BOTH     (SENDER | VIEWER)
#define ALL      (BOTH | FOR_PAIR)
#define ROWS_MAX 48
#define LONG_ONE 1000 /* what getopt gives for the first row */

const struct option_row option_rows[] = {
    {"address", BOTH, "address", NULL, "HOST", NULL},
    {"port", BOTH, "port", NULL, "N[,N]…", NULL},
    {"to", SENDER, "destinations", NULL, "ADDRESS[:PORT][,NAME=VALUE]…",
     "Send there, in place of --address; repeated, to several at once, each by a way of its own. "
     "ssh, key, host-key, password-file and any option of the link and the tunnel below may "
     "follow, for it alone"},
    {"protocol", BOTH, "protocol", NULL, "tcp|ipc", NULL},
    {"pattern", BOTH, "pattern", NULL, "pair|reqrep|pubsub|live", NULL},
    {"secure-mode", BOTH, "secure_mode", NULL, "0|1|2", NULL},
    {"cert-location", BOTH | FOR_KEYS, "custom_cert_location", NULL, "DIR",
     "Where the folder .vidgear/keys with the certificates is (default the home directory)"},
    {"overwrite", FOR_KEYS, NULL, NULL, NULL, "Make new certificates in place of those there"},
    {"ssh", BOTH, "ssh_tunnel_mode", NULL, "[USER@]HOST[:PORT]", NULL},
    {"ssh-jump", BOTH, "ssh_jump", NULL, "[USER@]HOST[:PORT],...", NULL},
    {"ssh-key", BOTH, "ssh_tunnel_keyfile", NULL, "FILE", NULL},
    {"ssh-password-file", BOTH, "ssh_password_file", NULL, "FILE", NULL},
    {"ssh-host-key", BOTH, "ssh_host_key", NULL, "FINGERPRINT", NULL},
    {"persist", BOTH, "persist", "true", NULL, NULL},
    {"ssh-backend", BOTH, "ssh_backend", NULL, "libssh|openssh", NULL},
    {"raw", SENDER, "jpeg_compression", "false", NULL,
     "Send pixels as they are; pair, reqrep and pubsub alone"},
    {"jpeg", SENDER, "jpeg_compression", "true", NULL,
     "Send JPEG: with live in place of video; the other patterns do so anyway"},
    {"quality", SENDER, "jpeg_compression_quality", NULL, "N", NULL},
    {"min-quality", SENDER, "min_quality", NULL, "N", NULL},
    {"name", SENDER, "camera_name", NULL, "TEXT", NULL},
    {"max-age", SENDER, "max_age", NULL, "MS", NULL},
    {"min-fps", SENDER, "min_fps", NULL, "N", NULL},
    {"max-rate", SENDER, "max_rate", NULL, "KBIT", NULL},
    {"data-cap", SENDER, "data_cap", NULL, "MB", NULL},
    {"prefer", SENDER, "prefer", NULL, "sharp|smooth", NULL},
    {"size", SENDER, "size", NULL, "WIDTHxHEIGHT", NULL},
    {"fps", SENDER, "fps", NULL, "N|max",
     "Frames a second; 0 is the source's own rate, max reads files and patterns as fast as they "
     "can be sent"},
    {"loop", SENDER, "loop", "true", NULL, NULL},
    {"filter", SENDER, "filter", NULL, "GRAPH", NULL},
    {"message", SENDER, NULL, NULL, "JSON", "Send this value with each frame"},
    {"join", FOR_SEND, NULL, NULL, "LINE",
     "Accept the invitation that `sightline pair` printed, and go there from now on"},
    {"gate", VIEWER, "gate", NULL, "[ADDR:]PORT", NULL},
    {"authorized-keys", VIEWER | FOR_PAIR, "gate_authorized_keys", NULL, "FILE", NULL},
    {"host", FOR_PAIR, NULL, NULL, "HOST[:PORT]",
     "How the camera reaches this viewer; without it this machine's address and the gate's port"},
    {"gate", FOR_PAIR, "gate", NULL, "[ADDR:]PORT",
     "Where the gate is, or will be; not needed while it is open"},
    {"port", FOR_PAIR, "port", NULL, "N", "The viewer's; not needed while its gate is open"},
    {"pattern", FOR_PAIR, "pattern", NULL, "pair|reqrep|pubsub|live",
     "The viewer's; not needed while its gate is open"},
    {"list", FOR_PAIR, NULL, NULL, NULL, "Print the cameras that the gate lets in"},
    {"revoke", FOR_PAIR, NULL, NULL, "NAME|FINGERPRINT",
     "Let a camera in no more, and end its connections"},
    {"web", VIEWER, "web", NULL, "[ADDR:]PORT", NULL},
    {"record", VIEWER, "record", NULL, "DIR", NULL},
    {"record-before", VIEWER, "record_before", NULL, "SECONDS", NULL},
    {"record-segment", VIEWER, "record_segment", NULL, "TIME|SIZE", NULL},
    {"keep", VIEWER, "record_keep", NULL, "TIME|SIZE", NULL},
    {"sink", VIEWER, "sink", NULL, "window|null|file:PATH|-", NULL},
    {"every-frame", VIEWER, "every_frame", "true", NULL, NULL},
    {"smooth", VIEWER, "smooth", NULL, "MS", NULL},
    {"timecode", VIEWER, "timecode", "true", NULL, NULL},
    {"return", VIEWER, NULL, NULL, "JSON",
     "Return this value with each reply; needs -o bidirectional_mode=true at both ends"},
    {"return-picture", VIEWER, NULL, NULL, "FILE",
     "Return the picture in FILE, in place of a value"},
    {"timeout", VIEWER, NULL, NULL, "SECONDS", "Fail when no frame came for so long"},
    {"frames", BOTH, NULL, NULL, "N", "Stop after so many frames, sent or received"},
    {"duration", BOTH, NULL, NULL, "SECONDS", "Stop after so long"},
    {"stats", BOTH, NULL, NULL, "FILE",
     "Write figures there, one JSON object a line; - is standard output"},
    {"config", ALL | FOR_KEYS, NULL, NULL, "FILE",
     "Settings to begin with, in place of those in $XDG_CONFIG_HOME/sightline/config"},
    {"log", ALL | FOR_CAMERAS | FOR_KEYS, NULL, NULL, "LEVEL",
     "How much to tell: none, error, warning, info or debug (default warning)"},
    {"quiet", BOTH, NULL, NULL, NULL, "Show nothing but errors"},
    {"json", FOR_CAMERAS | FOR_DOCTOR | FOR_DOCTOR_VIEW | FOR_PAIR | FOR_KEYS, NULL, NULL, NULL,
     "Write JSON in place of lines"},
    {"help", ALL | FOR_CAMERAS | FOR_KEYS, NULL, NULL, NULL, "Print this help"},
    {0},
};

static void complain(struct options *options, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void complain(struct options *options, const char *format, ...) {
    va_list arguments;
    if (options->sentence[0])
        return;
    va_start(arguments, format);
    vsnprintf(options->sentence, sizeof(options->sentence), format, arguments);
    va_end(arguments);
}

static void read_count(struct options *options, const char *value, uint64_t *count) {
    char *end;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    if (errno || *end || !*value || strchr("-+ ", *value) || number == 0)
        complain(options, "--frames must be a number from 1 up, not \"%s\"", value);
    else
        *count = number;
}

static void read_seconds(struct options *options, const char *option, const char *value,
                         double *seconds) {
    char *end;
    double number = strtod(value, &end);
    if (end == value || *end || !isfinite(number) || number <= 0 || number > 1e9)
        complain(options, "--%s must be seconds, more than 0, not \"%s\"", option, value);
    else
        *seconds = number;
}

static void read_level(struct options *options, const char *value) {
    static const char *const names[] = {"none", "error", "warning", "info", "debug"};
    for (int i = SL_LOG_NONE; i <= SL_LOG_DEBUG; i++) {
        if (strcasecmp(value, names[i]) == 0) {
            options->log = (sl_log_level)i;
            options->log_typed = true;
            return;
        }
    }
    complain(options, "--log must be none, error, warning, info or debug, not \"%s\"", value);
}

static bool was_typed(const struct options *options, const char *option) {
    for (size_t i = 0; i < options->typed_count; i++) {
        if (options->typed[i].option && strcmp(options->typed[i].option, option) == 0)
            return true;
    }
    return false;
}

/* Two options that contradict each other, in whichever order. */
static void check_contradictions(struct options *options) {
    static const char *const pairs[][2] = {{"raw", "jpeg"}, {"to", "address"}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (was_typed(options, pairs[i][0]) && was_typed(options, pairs[i][1]))
            complain(options, "--%s and --%s contradict each other; give one of them", pairs[i][0],
                     pairs[i][1]);
    }
    if (options->quiet && options->log_typed)
        complain(options, "--quiet and --log contradict each other; give one of them");
    if (options->quiet)
        options->log = SL_LOG_ERROR;
    if (options->returned && options->returned_picture)
        complain(options, "--return and --return-picture contradict each other; give one of them");
}

/* Makes one setting of every --to, which is their list; `copy` is where it is put. */
static void join_destinations(struct options *options, char *copy) {
    size_t kept = 0;
    const char *list = NULL;
    for (size_t i = 0; i < options->typed_count; i++) {
        struct typed typed = options->typed[i];
        if (!typed.option || strcmp(typed.option, "to") != 0) {
            options->typed[kept++] = typed;
            continue;
        }
        if (list) {
            *copy++ = ';';
        } else {
            list = copy;
            options->typed[kept++] = (struct typed){typed.option, typed.name, list};
        }
        size_t length = strlen(typed.value);
        memcpy(copy, typed.value, length + 1);
        copy += length;
    }
    options->typed_count = kept;
}

static void keep_setting(struct options *options, const char *option, const char *name,
                         const char *value) {
    options->typed[options->typed_count++] = (struct typed){option, name, value};
}

/* An option that is the command's own. */
static void take_own(struct options *options, const struct option_row *row, const char *value) {
    if (strcmp(row->name, "frames") == 0)
        read_count(options, value, &options->frames);
    else if (strcmp(row->name, "duration") == 0)
        read_seconds(options, row->name, value, &options->duration_s);
    else if (strcmp(row->name, "timeout") == 0)
        read_seconds(options, row->name, value, &options->timeout_s);
    else if (strcmp(row->name, "stats") == 0)
        options->stats = value;
    else if (strcmp(row->name, "config") == 0)
        options->config = value;
    else if (strcmp(row->name, "log") == 0)
        read_level(options, value);
    else if (strcmp(row->name, "quiet") == 0)
        options->quiet = true;
    else if (strcmp(row->name, "message") == 0)
        options->message = value;
    else if (strcmp(row->name, "return") == 0)
        options->returned = value;
    else if (strcmp(row->name, "return-picture") == 0)
        options->returned_picture = value;
    else if (strcmp(row->name, "join") == 0)
        options->join = value;
    else if (strcmp(row->name, "host") == 0)
        options->host = value;
    else if (strcmp(row->name, "revoke") == 0)
        options->revoke = value;
    else if (strcmp(row->name, "list") == 0)
        options->list = true;
    else if (strcmp(row->name, "overwrite") == 0)
        options->overwrite = true;
    else if (strcmp(row->name, "json") == 0)
        options->json = true;
    else if (strcmp(row->name, "help") == 0)
        options->help = true;
}

static void take_row(struct options *options, const struct option_row *row, const char *value) {
    if (!row->setting)
        take_own(options, row, value);
    else if (value && strcmp(row->name, "fps") == 0 && strcmp(value, "max") == 0)
        keep_setting(options, row->name, "unpaced", "true");
    else
        keep_setting(options, row->name, row->setting, row->constant ? row->constant : value);
}

/* The value of -o; `copy` is where its halves are put. */
static void take_pair(struct options *options, const char *value, char *copy) {
    memcpy(copy, value, strlen(value) + 1);
    char *equals = strchr(copy, '=');
    if (!equals || equals == copy) {
        complain(options, "-o takes KEY=VALUE, not \"%s\"", value);
        return;
    }
    *equals = '\0';
    keep_setting(options, NULL, copy, equals + 1);
}

/* The rows of a set, as getopt wants them. */
static void fill_long_options(int set, struct option *longs) {
    for (int i = 0; option_rows[i].name; i++) {
        const struct option_row *row = &option_rows[i];
        if (row->sets & set)
            *longs++ = (struct option){row->name, row->values ? required_argument : no_argument,
                                       NULL, LONG_ONE + i};
    }
    *longs = (struct option){0};
}

static void take_operands(struct options *options, int set, int count, char **words) {
    if (optind < count && (set & (SENDER | FOR_KEYS)))
        options->operand = words[optind++];
    if (optind < count && (set & FOR_KEYS))
        options->second = words[optind++];
    if (optind < count)
        complain(options, "\"%s\" is one word too many; see: sightline help %s", words[optind],
                 words[0]);
}

/* The command at the other end whose option it is; NULL: it has none of that name. */
static const char *find_owner(int set, const char *name) {
    int other = set & SENDER ? FOR_VIEW : set & VIEWER ? FOR_SEND : 0;
    for (const struct option_row *row = option_rows; row->name; row++) {
        if (row->sets & other && strcmp(row->name, name) == 0)
            return other == FOR_SEND ? "send" : "view";
    }
    return NULL;
}

/* Makes a setting's name of what is spelled as an option is; false: there is none. */
static bool find_key(int set, char *name) {
    union {
        sl_sender_settings sender;
        sl_receiver_settings receiver;
    } settings;
    for (char *dash = name; (dash = strchr(dash, '-'));)
        *dash = '_';
    if (set & SENDER)
        sl_sender_settings_init(&settings.sender);
    else
        sl_receiver_settings_init(&settings.receiver);
    bool known = set & BOTH && sl_settings_find(&settings, name);
    sl_settings_finish(&settings);
    return known;
}

static const char *find_nearest(int set, const char *name) {
    const char *known[ROWS_MAX];
    size_t count = 0;
    for (const struct option_row *row = option_rows; row->name; row++) {
        if (row->sets & set)
            known[count++] = row->name;
    }
    return sl_settings_nearest(name, known, count);
}

static void complain_unknown(struct options *options, const char *word) {
    char name[64], hint[96] = "";
    snprintf(name, sizeof(name), "%s", word + strspn(word, "-"));
    name[strcspn(name, "=")] = '\0';
    const char *owner = find_owner(options->set, name);
    const char *nearest = find_nearest(options->set, name);
    if (owner)
        snprintf(hint, sizeof(hint), " (sightline %s has it)", owner);
    else if (find_key(options->set, name))
        snprintf(hint, sizeof(hint), " (it is set by -o %s=…)", name);
    else if (nearest)
        snprintf(hint, sizeof(hint), " (did you mean --%s?)", nearest);
    complain(options, "%s has no option %s; see: sightline help %s%s", options->command, word,
             options->command, hint);
}

/* Whether a word is an option of the command, and nothing that is meant as a value. */
static bool is_option(const struct options *options, const char *word) {
    if (strncmp(word, "--", 2) != 0)
        return false;
    for (const struct option_row *row = option_rows; row->name; row++) {
        if ((row->sets & options->set) && strcmp(row->name, word + 2) == 0)
            return true;
    }
    return false;
}

/* What getopt found; `word` is where it stood, for complaints. */
static void take_found(struct options *options, int found, const char *word, char **copy) {
    const struct option_row *row = found >= LONG_ONE ? &option_rows[found - LONG_ONE] : NULL;
    if (found == 'o') {
        take_pair(options, optarg, *copy);
        *copy += strlen(optarg) + 1;
    } else if (row && optarg == word && is_option(options, optarg)) {
        complain(options, "--%s needs a value, and %s is an option (if it is meant: --%s=%s)",
                 row->name, optarg, row->name, optarg);
    } else if (row) {
        take_row(options, row, optarg);
    } else if (found == ':') {
        complain(options, "%s needs a value; see: sightline help %s", word, options->command);
    } else {
        complain_unknown(options, word);
    }
}

/* What can hold a copy of every -o and --to, as all words together. */
static size_t room_for_copies(int count, char **words) {
    size_t room = 1;
    for (int i = 0; i < count; i++)
        room += strlen(words[i]) + 1;
    return room;
}

bool options_read(struct options *options, int set, int count, char **words) {
    struct option longs[ROWS_MAX + 1];
    *options = (struct options){.log = SL_LOG_WARNING, .command = words[0], .set = set};
    options->typed = calloc((size_t)count, sizeof(*options->typed));
    options->copies = malloc(room_for_copies(count, words));
    char *copy = options->copies;
    if (!options->typed || !copy) {
        complain(options, "%s", sl_strerror(SL_ENOMEM));
        return false;
    }
    fill_long_options(set, longs);
    opterr = 0;
    optind = 1;
    const char *letters = set & ALL ? ":o:" : ":";
    for (;;) {
        int at = optind, found = getopt_long(count, words, letters, longs, NULL);
        if (found < 0)
            break;
        take_found(options, found, words[at < optind ? optind - 1 : optind], &copy);
    }
    check_contradictions(options);
    join_destinations(options, copy);
    take_operands(options, set, count, words);
    return !options->sentence[0];
}

/* The user's own configuration file; false where there is none. */
static bool find_config(char *path, size_t size) {
    const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    int length = 0;
    if (base && base[0] == '/')
        length = snprintf(path, size, "%s/sightline/config", base);
    else if (home)
        length = snprintf(path, size, "%s/.config/sightline/config", home);
    return length > 0 && (size_t)length < size && access(path, F_OK) == 0;
}

/* A file that can't be read is as wrong as what is in it. */
static int load_config(const struct options *options, void *const *settings, size_t count,
                       void *const *others, size_t other_count) {
    char path[4096];
    void *all[8];
    size_t total = 0;
    if (!options->config && !find_config(path, sizeof(path)))
        return SL_OK;
    for (size_t i = 0; i < count; i++)
        all[total++] = settings[i];
    for (size_t i = 0; i < other_count; i++)
        all[total++] = others[i];
    int code = sl_settings_load(all, total, options->config ? options->config : path);
    return code == SL_ESYSTEM ? SL_EINVAL : code;
}

int options_apply(struct options *options, void *const *settings, size_t count, void *const *others,
                  size_t other_count) {
    int code = load_config(options, settings, count, others, other_count);
    if (code < 0) {
        complain(options, "%s", sl_error());
        return code;
    }
    for (size_t i = 0; i < options->typed_count; i++) {
        const struct typed *typed = &options->typed[i];
        code = sl_settings_offer(settings, count, typed->name, typed->value);
        if (code < 0) {
            complain(options, "%s%s: %s", typed->option ? "--" : "-o",
                     typed->option ? typed->option : "", sl_error());
            return code;
        }
    }
    return SL_OK;
}

const char *options_typed(const struct options *options, const char *setting) {
    const char *value = NULL;
    for (size_t i = 0; i < options->typed_count; i++) {
        if (strcmp(options->typed[i].name, setting) == 0)
            value = options->typed[i].value;
    }
    return value;
}

static bool says_no(const char *value) {
    static const char *const words[] = {"false", "no", "off", "0"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(value, words[i]) == 0)
            return true;
    }
    return false;
}

bool options_check_effect(struct options *options, const struct reliance *reliances, size_t count) {
    for (size_t i = 0; i < options->typed_count * count; i++) {
        const struct typed *typed = &options->typed[i / count];
        const struct reliance *reliance = &reliances[i % count];
        bool concerned = strncmp(typed->name, reliance->settings, strlen(reliance->settings)) == 0;
        if (concerned && !reliance->met && !says_no(typed->value))
            complain(options, "%s%s does nothing without %s", typed->option ? "--" : "-o ",
                     typed->option ? typed->option : typed->name, reliance->needed);
    }
    return !options->sentence[0];
}

void options_finish(struct options *options) {
    free(options->typed);
    free(options->copies);
    *options = (struct options){0};
}
