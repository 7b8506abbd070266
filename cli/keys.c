/* cli: `sightline keys`, which makes, lists and hands out CURVE certificates. */
#include "command.h"
#include "console.h"
#include "options.h"

#include <jansson.h>
#include <sightline/error.h>
#include <sightline/keys.h>
#include <sightline/sightline.h>
#include <stdio.h>
#include <string.h>

static void print_json(const sl_key_list *list) {
    json_t *keys = json_array(), *all = json_object();
    for (size_t i = 0; i < list->count; i++) {
        const sl_key *key = &list->keys[i];
        json_t *object = json_object();
        json_object_set_new(object, "file", json_string(key->file));
        json_object_set_new(object, "secret", json_boolean(key->secret));
        json_object_set_new(object, "public_key",
                            key->public_key[0] ? json_string(key->public_key) : json_null());
        json_object_set_new(object, "problem",
                            key->problem[0] ? json_string(key->problem) : json_null());
        json_array_append_new(keys, object);
    }
    json_object_set_new(all, "folder", json_string(list->folder));
    json_object_set_new(all, "keys", keys);
    json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(all);
}

static void print_lines(const sl_key_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        const sl_key *key = &list->keys[i];
        printf("%s  %s  %s\n", key->public_key[0] ? key->public_key : "unusable",
               key->secret ? "secret" : "public", key->file);
        if (key->problem[0])
            printf("  %s\n", key->problem);
    }
}

static int list_keys(const struct options *options, const char *location) {
    sl_key_list *list;
    int code = sl_key_list_open(&list, location);
    if (code < 0)
        return code;
    if (options->json)
        print_json(list);
    else
        print_lines(list);
    if (list->count == 0)
        console_say("there are no certificates in %s; make some with `sightline keys make`",
                    list->folder);
    sl_key_list_close(&list);
    return SL_OK;
}

/* Whose certificates are meant: none is told for all. 0 for a word that means none. */
static int owners_of(const char *word) {
    if (!word)
        return SL_KEY_OF_SENDER | SL_KEY_OF_RECEIVER;
    if (strcmp(word, "camera") == 0)
        return SL_KEY_OF_SENDER;
    return strcmp(word, "viewer") == 0 ? SL_KEY_OF_RECEIVER : 0;
}

static int export_key(const char *location, int owner) {
    char text[SL_KEY_EXPORT_MAX];
    int code = sl_keys_export(location, (sl_key_owner)owner, text);
    if (code == SL_OK)
        fputs(text, stdout);
    return code;
}

/* Does what the operands say. SL_EAGAIN when they don't make sense. */
static int obey(const struct options *options, const char *location) {
    const char *verb = options->operand ? options->operand : "";
    int owners = owners_of(options->second);
    if (strcmp(verb, "list") == 0 && !options->second)
        return list_keys(options, location);
    if (strcmp(verb, "make") == 0 && owners)
        return sl_keys_make(location, owners, options->overwrite);
    if (strcmp(verb, "export") == 0 && options->second && owners)
        return export_key(location, owners);
    return SL_EAGAIN;
}

/* The certificates are where the other commands would look for them, so the same settings say
 * where that is. */
static int run_with_settings(struct options *options) {
    sl_sender_settings sender;
    sl_receiver_settings receiver;
    sl_source_settings source;
    sl_sink_settings sink;
    void *own[] = {&sender}, *others[] = {&receiver, &source, &sink};
    sl_sender_settings_init(&sender);
    sl_receiver_settings_init(&receiver);
    sl_source_settings_init(&source);
    sl_sink_settings_init(&sink);
    int code = options_apply(options, own, 1, others, 3);
    if (code < 0)
        console_fail("%s", options->sentence);
    else if ((code = obey(options, sender.link.custom_cert_location)) == SL_EAGAIN)
        console_fail("keys takes one of: make [camera|viewer], list, export camera|viewer; see: "
                     "sightline help keys");
    else if (code < 0)
        console_fail("%s", sl_error());
    else if (fflush(stdout) != 0)
        console_fail("cannot write to standard output");
    sl_settings_finish(&sender);
    sl_settings_finish(&receiver);
    sl_settings_finish(&source);
    sl_settings_finish(&sink);
    if (code == SL_EAGAIN)
        return EXIT_USAGE;
    return code == SL_OK && ferror(stdout) ? EXIT_OTHER : exit_code(code);
}

int run_keys(int count, char **words) {
    return run_with_options(count, words, FOR_KEYS, run_with_settings);
}
