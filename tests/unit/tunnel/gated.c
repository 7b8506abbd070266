/* tests: a gate with a key that opens it, one that doesn't, and who listens behind it. */
#include "gated.h"
#include "base/error.h"
#include "base/settings.h"
#include "echo.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct sshd files;
sl_gate *gate;
sl_gate_place place;
static struct echo behind;

struct settings {
    sl_settings settings;
    sl_gate_settings gate;
};

static void make_key(const char *name) {
    const char *path = sshd_path(&files, name);
    run_program((const char *[]){"/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C",
                                 "test", "-f", path, NULL});
}

int prepare_files(void **state) {
    (void)state;
    strcpy(files.folder, "/tmp/sl-gate-XXXXXX");
    assert_non_null(mkdtemp(files.folder));
    setenv("HOME", files.folder, 1);
    setenv("XDG_STATE_HOME", files.folder, 1);
    make_key("id");
    make_key("other");
    assert_int_equal(rename(sshd_path(&files, "id.pub"), sshd_path(&files, "keys")), 0);
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *at) {
    (void)status, (void)kind, (void)at;
    return remove(path);
}

int remove_files(void **state) {
    (void)state;
    nftw(files.folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return 0;
}

sl_gate_settings usual_gate(void) {
    static sl_option_group groups[2];
    struct settings settings;
    groups[0] = (sl_option_group){"Gate", sl_gate_options, sl_gate_option_count,
                                  offsetof(struct settings, gate)};
    sl_settings_init(&settings, sizeof(settings), groups);
    settings.gate.listen = "127.0.0.1:0";
    settings.gate.authorized_keys = sshd_path(&files, "keys");
    settings.gate.max_unauthenticated = FEW;
    return settings.gate;
}

void open_gate(const sl_gate_settings *settings) {
    sl_gate_target target = {.address = "viewer.example", .port = LINK_PORT};
    if (sl_gate_open(&gate, settings, &target, NULL) != SL_OK)
        fail_msg("%s", sl_error());
    sl_gate_place_get(gate, &place);
    echo_start_at(&behind, sl_gate_endpoint(gate));
}

int start_gate(void **state) {
    sl_gate_settings settings = usual_gate();
    (void)state;
    open_gate(&settings);
    return 0;
}

int stop_gate(void **state) {
    (void)state;
    sl_gate_close(&gate, 0);
    echo_stop(&behind);
    return 0;
}

sl_tunnel_settings gate_login(const char *key) {
    static char destination[64];
    snprintf(destination, sizeof(destination), "anybody@127.0.0.1:%d", place.port);
    return (sl_tunnel_settings){.destination = destination,
                                .key_file = sshd_path(&files, key),
                                .host_key = place.host_key,
                                .connect_timeout_s = 30};
}
