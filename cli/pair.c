/* cli: `sightline pair`, which introduces a camera to a viewer with a gate. */
#include "command.h"
#include "console.h"
#include "options.h"
#include "qr.h"
#include "viewer_end.h"

#include <jansson.h>
#include <sightline/sightline.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Only the line goes to standard output, so that another program can hand it on. */
static int invite(const struct options *options, const sl_receiver_settings *settings) {
    sl_invitation invitation;
    int code = sl_pair_invite(settings, options->host, &invitation);
    if (code < 0)
        return code;
    bool read = isatty(STDOUT_FILENO); /* by a person, who copies what is typed there */
    console_say("one camera may join with this %s, within %d minutes; there:",
                read ? "command" : "line", invitation.valid_s / 60);
    if (!read)
        console_say("  sightline send 0 --join 'LINE'");
    console_say("it will look for this viewer at %s port %d%s", invitation.host, invitation.port,
                invitation.host_given ? "" : "; if that is not how it reaches it, give --host");
    if (!invitation.gate_open)
        console_say("no gate is open here yet; start it: sightline view --gate %s",
                    settings->gate.listen);
    printf(read ? "sightline send 0 --join '%s'\n" : "%s\n", invitation.line);
    if (read && !qr_print(stdout, invitation.line))
        console_say("there is no room for it in a QR code");
    explicit_bzero(&invitation, sizeof(invitation));
    return SL_OK;
}

static void print_camera(void *user, const sl_paired *camera) {
    size_t *count = user;
    ++*count;
    printf("%-50s  %s\n", camera->fingerprint[0] ? camera->fingerprint : "no key", camera->name);
    if (camera->problem[0])
        printf("  lets nobody in: %s\n", camera->problem);
}

static int print_cameras(const sl_receiver_settings *settings) {
    size_t count = 0;
    int code = sl_pair_list(settings, print_camera, &count);
    if (code == SL_OK && count == 0)
        console_say("no camera is let in yet; invite one with `sightline pair`");
    return code;
}

static json_t *text(const char *value) {
    json_t *made = value[0] ? json_string(value) : json_null();
    return made ? made : json_null();
}

static void add_camera(void *user, const sl_paired *camera) {
    json_t *cameras = user, *object = json_object();
    json_object_set_new(object, "name", text(camera->name));
    json_object_set_new(object, "fingerprint", text(camera->fingerprint));
    json_object_set_new(object, "problem", text(camera->problem));
    json_array_append_new(cameras, object);
}

static int list_cameras(const struct options *options, const sl_receiver_settings *settings) {
    if (!options->json)
        return print_cameras(settings);
    json_t *all = json_object(), *cameras = json_array();
    int code = sl_pair_list(settings, add_camera, cameras);
    json_object_set_new(all, "cameras", cameras);
    if (code == SL_OK) {
        json_dumpf(all, stdout, JSON_INDENT(2));
        putchar('\n');
    }
    json_decref(all);
    return code;
}

static int revoke_camera(const struct options *options, const sl_receiver_settings *settings) {
    int code = sl_pair_revoke(settings, options->revoke);
    if (code == SL_OK)
        console_say("%s is let in no more", options->revoke);
    return code;
}

/* What doesn't go together. */
static const char *contradiction(const struct options *options) {
    if ((options->list ? 1 : 0) + (options->revoke ? 1 : 0) + (options->host ? 1 : 0) > 1)
        return "--list, --revoke and --host are for different things; give one of them";
    if (options->json && !options->list)
        return "--json goes with --list";
    return NULL;
}

/* The settings are the viewer's, so that its configuration file and its words fit here too. */
static int pair(struct options *options) {
    struct viewer_end end;
    viewer_end_init(&end);
    int code = viewer_end_apply(&end, options);
    if (code < 0)
        console_fail("%s", options->sentence);
    else if ((code = options->list     ? list_cameras(options, &end.receiver)
                     : options->revoke ? revoke_camera(options, &end.receiver)
                                       : invite(options, &end.receiver)) < 0)
        console_fail("%s", sl_error());
    viewer_end_finish(&end);
    return exit_code(code);
}

static int check_and_pair(struct options *options) {
    const char *trouble = contradiction(options);
    if (!trouble)
        return pair(options);
    console_fail("%s", trouble);
    return EXIT_USAGE;
}

int run_pair(int count, char **words) {
    int status = run_with_options(count, words, FOR_PAIR, check_and_pair);
    if (fflush(stdout) == 0)
        return status;
    console_fail("cannot write to standard output");
    return EXIT_OTHER;
}
