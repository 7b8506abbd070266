/* tests: two keys, and the path of a file of authorized keys in a temporary folder. Any failure
 * ends the test. */
#ifndef TESTS_UNIT_TUNNEL_AUTHORIZED_FILES_H
#define TESTS_UNIT_TUNNEL_AUTHORIZED_FILES_H

#include "tunnel/authorized.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static const sl_gate_target target = {.address = "viewer.example", .port = 5555};

static char folder[] = "/tmp/sl-authorized-XXXXXX";
static char path[64]; /* of the file */
static ssh_key ours, theirs;
static char ours_text[256], theirs_text[256];

static ssh_key make(char *text, size_t size) {
    ssh_key key;
    char *encoded;
    assert_int_equal(ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key), SSH_OK);
    assert_int_equal(ssh_pki_export_pubkey_base64(key, &encoded), SSH_OK);
    snprintf(text, size, "ssh-ed25519 %s", encoded);
    ssh_string_free_char(encoded);
    return key;
}

static int prepare(void **state) {
    (void)state;
    assert_non_null(mkdtemp(folder));
    setenv("XDG_STATE_HOME", folder, 1);
    snprintf(path, sizeof(path), "%s/keys", folder);
    ours = make(ours_text, sizeof(ours_text));
    theirs = make(theirs_text, sizeof(theirs_text));
    return 0;
}

static int clean(void **state) {
    char state_folder[64], lock[96];
    (void)state;
    snprintf(state_folder, sizeof(state_folder), "%s/sightline", folder);
    snprintf(lock, sizeof(lock), "%s/authorized_keys.lock", state_folder);
    unlink(path);
    unlink(lock);
    rmdir(state_folder);
    rmdir(folder);
    ssh_key_free(ours);
    ssh_key_free(theirs);
    return 0;
}

/* Ours lets in; theirs stands in a line that is not to be used. */
static void write_file(mode_t mode) {
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fprintf(file, "# cameras\nnonsense\nfrom=\"x\" %s narrowed\n%s the door\n", theirs_text,
            ours_text);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

#endif
