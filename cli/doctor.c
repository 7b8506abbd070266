/* cli: `sightline doctor`, why two ends cannot meet. */
#include "ask.h"
#include "camera_end.h"
#include "command.h"
#include "console.h"
#include "interrupt.h"
#include "options.h"
#include "viewer_end.h"

#include <jansson.h>
#include <sightline/doctor.h>
#include <sightline/error.h>
#include <sightline/sightline.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const verdicts[] = {
    [SL_VERDICT_GOOD] = "good",       [SL_VERDICT_BAD] = "bad",
    [SL_VERDICT_SKIPPED] = "skipped", [SL_VERDICT_UNKNOWN] = "unknown",
    [SL_VERDICT_LIMITED] = "limited",
};

struct telling {
    const struct options *options;
    char destination[200]; /* the last that was told of; "" where there is only one */
    bool seen;             /* why it is bad stands on a terminal already */
};

/* A sentence of a server's trouble says by itself which one it is, mostly. */
static bool names_server(const sl_check *check) {
    char user_at_host[sizeof(((struct telling *)0)->destination)];
    const char *port = check->server ? strrchr(check->server, ':') : NULL;
    if (!port || check->verdict != SL_VERDICT_BAD)
        return false;
    snprintf(user_at_host, sizeof(user_at_host), "%.*s", (int)(port - check->server),
             check->server);
    return strstr(check->text, user_at_host) != NULL;
}

static void print_line(struct telling *telling, const sl_check *check) {
    static const char *const marks[] = {[SL_VERDICT_GOOD] = "✓",
                                        [SL_VERDICT_BAD] = "✗",
                                        [SL_VERDICT_SKIPPED] = "·",
                                        [SL_VERDICT_UNKNOWN] = "·",
                                        [SL_VERDICT_LIMITED] = "!"};
    if (check->destination && strcmp(check->destination, telling->destination) != 0) {
        snprintf(telling->destination, sizeof(telling->destination), "%s", check->destination);
        printf("%s\n", telling->destination);
    }
    const char *server = check->server && !names_server(check) ? check->server : "";
    printf("%s %-16s%s%s%s", marks[check->verdict], check->name, server, server[0] ? ": " : "",
           check->verdict == SL_VERDICT_SKIPPED ? "not looked at" : check->text);
    if (check->ms >= 0)
        printf(" (%.0f ms)", check->ms);
    putchar('\n');
    fflush(stdout);
    telling->seen |= check->verdict == SL_VERDICT_BAD && isatty(STDOUT_FILENO);
}

static void print_json(const sl_check *check) {
    bool skipped = check->verdict == SL_VERDICT_SKIPPED;
    json_t *object = json_object();
    json_object_set_new(object, "event", json_string("check"));
    if (check->destination)
        json_object_set_new(object, "destination", json_string(check->destination));
    json_object_set_new(object, "name", json_string(check->name));
    json_object_set_new(object, "server", check->server ? json_string(check->server) : json_null());
    json_object_set_new(object, "verdict", json_string(verdicts[check->verdict]));
    json_object_set_new(object, "error",
                        check->code ? json_string(sl_error_name(check->code)) : json_null());
    json_object_set_new(object, "text", skipped ? json_null() : json_string(check->text));
    json_object_set_new(object, "ms", check->ms >= 0 ? json_real(check->ms) : json_null());
    json_object_set_new(object, "value", check->unit ? json_real(check->value) : json_null());
    json_object_set_new(object, "unit", check->unit ? json_string(check->unit) : json_null());
    json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
    putchar('\n');
    fflush(stdout);
    json_decref(object);
}

static void print_check(void *user, const sl_check *check) {
    struct telling *telling = user;
    if (telling->options->json)
        print_json(check);
    else
        print_line(telling, check);
}

/* How it went, in the words for all being well or, unless they were seen, those of the failure. */
static int conclude(const struct telling *telling, int code, const char *well) {
    if (code == SL_OK)
        console_say("%s", well);
    else if (code != SL_ECANCELED && !telling->seen)
        console_fail("%s", sl_error());
    return code;
}

/* Whether a tunnel with these settings may ask for what it needs. */
static bool may_ask(sl_tunnel_settings *tunnel, sl_cancel *cancel) {
    char sentence[512];
    bool may = ask_for(tunnel, cancel, sentence, sizeof(sentence));
    if (!may)
        console_fail("%s", sentence);
    return may;
}

/* Looks with the settings that `sightline send` would have. */
static int examine_camera(struct options *options, sl_cancel *cancel) {
    struct camera_end end;
    struct telling telling = {.options = options};
    camera_end_init(&end);
    int code = camera_end_apply(&end, options);
    end.sender.cancel = cancel;
    if (code < 0)
        console_fail("%s", options->sentence);
    else if (!may_ask(&end.sender.tunnel, cancel))
        code = SL_EINVAL;
    else
        code = conclude(&telling, sl_doctor_examine(&end.sender, print_check, &telling),
                        "all is well: `sightline send` with the same options finds its viewer");
    camera_end_finish(&end);
    return code;
}

/* Looks with the settings that `sightline view` would have. */
static int examine_viewer(struct options *options, sl_cancel *cancel) {
    struct viewer_end end;
    struct telling telling = {.options = options};
    viewer_end_init(&end);
    int code = viewer_end_apply(&end, options);
    if (code == SL_OK)
        code = viewer_end_check(&end, options);
    end.receiver.cancel = cancel;
    if (code < 0)
        console_fail("%s", options->sentence);
    else if (!may_ask(&end.receiver.tunnel, cancel))
        code = SL_EINVAL;
    else
        code = conclude(&telling, sl_doctor_examine_viewer(&end.receiver, print_check, &telling),
                        "all is well: `sightline view` with the same options can listen");
    viewer_end_finish(&end);
    return code;
}

static int watch_and(int (*examine)(struct options *options, sl_cancel *cancel),
                     struct options *options) {
    sl_cancel *cancel = NULL;
    if (sl_cancel_open(&cancel) < 0) {
        console_fail("%s", sl_error());
        return EXIT_OTHER;
    }
    interrupt_watch(cancel);
    int code = examine(options, cancel);
    return code == SL_ECANCELED && interrupted() ? EXIT_DONE : exit_code(code);
}

static int watch_and_examine_camera(struct options *options) {
    if (options->operand && strcmp(options->operand, "view") == 0) {
        console_fail("the word view comes right behind doctor: sightline doctor view …");
        return EXIT_USAGE;
    }
    return watch_and(examine_camera, options);
}

static int watch_and_examine_viewer(struct options *options) {
    return watch_and(examine_viewer, options);
}

/* Its words may be a whole line that sends or views, behind `doctor`. */
int run_doctor(int count, char **words) {
    const char *end = count > 1 ? words[1] : "";
    if (strcmp(end, "view") == 0)
        return run_with_options(count - 1, words + 1, FOR_DOCTOR_VIEW, watch_and_examine_viewer);
    int behind = strcmp(end, "send") == 0 ? 1 : 0;
    return run_with_options(count - behind, words + behind, FOR_DOCTOR, watch_and_examine_camera);
}
