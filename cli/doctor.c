/* cli: `sightline doctor`, why two ends cannot meet. */
#include "ask.h"
#include "camera_end.h"
#include "command.h"
#include "console.h"
#include "interrupt.h"
#include "options.h"

#include <jansson.h>
#include <sightline/doctor.h>
#include <sightline/error.h>
#include <sightline/sightline.h>
#include <stdio.h>
#include <string.h>

static const char *const verdicts[] = {
    [SL_VERDICT_GOOD] = "good",
    [SL_VERDICT_BAD] = "bad",
    [SL_VERDICT_SKIPPED] = "skipped",
    [SL_VERDICT_UNKNOWN] = "unknown",
};

struct telling {
    const struct options *options;
    char destination[200]; /* the last that was told of; "" where there is only one */
};

static void print_line(struct telling *telling, const sl_check *check) {
    static const char *const marks[] = {[SL_VERDICT_GOOD] = "✓",
                                        [SL_VERDICT_BAD] = "✗",
                                        [SL_VERDICT_SKIPPED] = "·",
                                        [SL_VERDICT_UNKNOWN] = "·"};
    if (check->destination && strcmp(check->destination, telling->destination) != 0) {
        snprintf(telling->destination, sizeof(telling->destination), "%s", check->destination);
        printf("%s\n", telling->destination);
    }
    printf("%s %-16s%s%s%s", marks[check->verdict], check->name, check->server ? check->server : "",
           check->server ? ": " : "",
           check->verdict == SL_VERDICT_SKIPPED ? "not looked at" : check->text);
    if (check->ms >= 0)
        printf(" (%.0f ms)", check->ms);
    putchar('\n');
    fflush(stdout);
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

/* Looks with the settings that `sightline send` would have. */
static int examine(struct options *options, sl_cancel *cancel) {
    struct camera_end end;
    sl_sender_settings *sender = &end.sender;
    camera_end_init(&end);
    int code = camera_end_apply(&end, options);
    if (code < 0) {
        console_fail("%s", options->sentence);
    } else {
        char sentence[512];
        struct telling telling = {.options = options};
        sender->cancel = cancel;
        code = SL_EINVAL;
        if (!ask_for(&sender->tunnel, cancel, sentence, sizeof(sentence)))
            console_fail("%s", sentence);
        else if ((code = sl_doctor_examine(sender, print_check, &telling)) == SL_OK)
            console_say("all is well: `sightline send` with the same options finds its viewer");
        else if (code != SL_ECANCELED)
            console_fail("%s", sl_error());
    }
    camera_end_finish(&end);
    return code == SL_ECANCELED && interrupted() ? EXIT_DONE : exit_code(code);
}

static int watch_and_examine(struct options *options) {
    sl_cancel *cancel = NULL;
    if (sl_cancel_open(&cancel) < 0) {
        console_fail("%s", sl_error());
        return EXIT_OTHER;
    }
    interrupt_watch(cancel);
    return examine(options, cancel);
}

int run_doctor(int count, char **words) {
    return run_with_options(count, words, FOR_DOCTOR, watch_and_examine);
}
