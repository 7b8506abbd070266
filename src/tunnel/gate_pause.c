/* tunnel: a session in which nothing runs. Used by the gate, on the client's thread.
 *
 * NetGear's tunnel through OpenSSH asks the server to run `sleep 60`: as long as that takes ssh
 * waits for something to forward, and then goes on until there is nothing more. So this request is
 * left without an answer for as many seconds; then the session is closed. */
#include "tunnel/gate_pause.h"
#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

#define COMMAND     "sleep "
#define DIGITS_MOST 5

/* Whatever is said in it is thrown away, not kept. */
static int on_data(ssh_session ssh, ssh_channel channel, void *data, uint32_t size, int is_stderr,
                   void *user) {
    (void)ssh, (void)channel, (void)data, (void)is_stderr, (void)user;
    return (int)size;
}

bool sl_gate_pause_grant(sl_gate_pause *pause, ssh_message message) {
    if (pause->channel)
        return false;
    pause->channel = ssh_message_channel_request_open_reply_accept(message);
    if (!pause->channel)
        return false;
    pause->callbacks = (struct ssh_channel_callbacks_struct){.channel_data_function = on_data};
    ssh_callbacks_init(&pause->callbacks);
    if (ssh_set_channel_callbacks(pause->channel, &pause->callbacks) != SSH_OK)
        ssh_channel_close(pause->channel);
    return true;
}

/* The seconds of "sleep SECONDS", 0 for anything else. */
static long seconds_of(const char *command) {
    if (!command || strncmp(command, COMMAND, strlen(COMMAND)) != 0)
        return 0;
    const char *digits = command + strlen(COMMAND);
    size_t length = strspn(digits, "0123456789");
    return length <= DIGITS_MOST && !digits[length] ? strtol(digits, NULL, 10) : 0;
}

bool sl_gate_pause_begin(sl_gate_pause *pause, ssh_message message) {
    if (!pause->channel || ssh_message_subtype(message) != SSH_CHANNEL_REQUEST_EXEC ||
        ssh_message_channel_request_channel(message) != pause->channel)
        return false;
    long seconds = seconds_of(ssh_message_channel_request_command(message));
    if (seconds == 0)
        return false;
    pause->until_us = sl_now_us() + seconds * SL_SECOND_US;
    return true;
}

int sl_gate_pause_remaining_ms(const sl_gate_pause *pause) {
    return pause->until_us ? sl_remaining_ms(pause->until_us) : -1;
}

void sl_gate_pause_check(sl_gate_pause *pause) {
    if (sl_gate_pause_remaining_ms(pause) != 0)
        return;
    pause->until_us = 0;
    ssh_channel_close(pause->channel);
}
