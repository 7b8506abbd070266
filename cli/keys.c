/* cli: `sightline keys`, which makes, lists and hands out CURVE certificates. */
#include "command.h"
#include "console.h"
#include "options.h"
#include "viewer_end.h"

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

static int export_key(const char *location, int owner) {
    char text[SL_KEY_EXPORT_MAX];
    int code = sl_keys_export(location, (sl_key_owner)owner, text);
    if (code == SL_OK)
        fputs(text, stdout);
    return code;
}

static const struct owner {
    const char *word, *name;
    int owner;
    const char *next;
} owners_known[] = {
    {"camera", "client", SL_KEY_OF_SENDER, "a viewer with --secure-mode 2 needs"},
    {"viewer", "server", SL_KEY_OF_RECEIVER, "every camera needs, as server.key,"},
};

#define OWNERS (sizeof(owners_known) / sizeof(owners_known[0]))

/* Whose certificates are meant: none is told for all. 0 for a word that means none. */
static int owners_of(const char *word) {
    int owners = 0;
    for (size_t i = 0; i < OWNERS; i++) {
        if (!word || strcmp(word, owners_known[i].word) == 0)
            owners |= owners_known[i].owner;
    }
    return owners;
}

/* What was made, and how it gets to the other end. */
static void say_made(const char *location, int owners) {
    sl_key_list *list;
    if (sl_key_list_open(&list, location) < 0)
        return;
    for (size_t i = 0; i < OWNERS; i++) {
        const struct owner *made = &owners_known[i];
        if (!(owners & made->owner))
            continue;
        console_say("made %s.key, and %s.key_secret, which stays here, in %s", made->name,
                    made->name, list->folder);
        console_say("  sightline keys export %s   prints what %s in public_keys", made->word,
                    made->next);
    }
    sl_key_list_close(&list);
}

static int make_keys(const char *location, int owners, bool overwrite) {
    int code = sl_keys_make(location, owners, overwrite);
    if (code == SL_OK)
        say_made(location, owners);
    return code;
}

/* Does what the operands say. SL_EAGAIN when they don't make sense. */
static int obey(const struct options *options, const char *location) {
    const char *verb = options->operand ? options->operand : "";
    int owners = owners_of(options->second);
    if (strcmp(verb, "list") == 0 && !options->second)
        return list_keys(options, location);
    if (strcmp(verb, "make") == 0 && owners)
        return make_keys(location, owners, options->overwrite);
    if (strcmp(verb, "export") == 0 && options->second && owners)
        return export_key(location, owners);
    return SL_EAGAIN;
}

static void fail_words(const struct options *options) {
    static const char *const verbs[] = {"make", "list", "export"};
    const char *verb = options->operand ? options->operand : "";
    const char *words[OWNERS], *nearest = sl_settings_nearest(verb, verbs, 3);
    for (size_t i = 0; i < OWNERS; i++)
        words[i] = owners_known[i].word;
    if (nearest && strcmp(nearest, verb) == 0)
        nearest = options->second ? sl_settings_nearest(options->second, words, OWNERS) : NULL;
    console_fail("keys takes one of: make [camera|viewer], list, export camera|viewer; see: "
                 "sightline help keys%s%s%s",
                 nearest ? " (did you mean " : "", nearest ? nearest : "", nearest ? "?)" : "");
}

/* The certificates are where the other commands would look for them, so the same settings say
 * where that is. */
static int run_with_settings(struct options *options) {
    sl_sender_settings sender;
    sl_source_settings source;
    struct viewer_end other;
    void *own[] = {&sender};
    void *others[] = {&source, &other.receiver, &other.sink, &other.recorder, &other.web};
    sl_sender_settings_init(&sender);
    sl_source_settings_init(&source);
    viewer_end_init(&other);
    int code = options_apply(options, own, 1, others, 5);
    if (code < 0)
        console_fail("%s", options->sentence);
    else if ((code = obey(options, sender.link.custom_cert_location)) == SL_EAGAIN)
        fail_words(options);
    else if (code < 0)
        console_fail("%s", sl_error());
    else if (fflush(stdout) != 0)
        console_fail("cannot write to standard output");
    sl_settings_finish(&sender);
    sl_settings_finish(&source);
    viewer_end_finish(&other);
    if (code == SL_EAGAIN)
        return EXIT_USAGE;
    return code == SL_OK && ferror(stdout) ? EXIT_OTHER : exit_code(code);
}

int run_keys(int count, char **words) {
    return run_with_options(count, words, FOR_KEYS, run_with_settings);
}
