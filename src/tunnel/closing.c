/* tunnel: channels on their way out. Used by forwards and sessions.
 *
 * What still comes is left to libssh, up to what its windows allowed: it makes a window larger when
 * something is taken, which nobody may say of a channel that he has closed. */
#include "tunnel/closing.h"

#include <libssh/callbacks.h>
#include <stdlib.h>

#define ALL_MOST (16 * SL_CHANNEL_BYTES_MOST) /* of as many as are open at once */

struct sl_closing {
    struct sl_closing *next;
    sl_session *session;
    ssh_channel channel;
    struct ssh_channel_callbacks_struct callbacks;
    size_t held[2]; /* by libssh, of either stream */
    bool closed;    /* by the other side too */
};

static int on_data(ssh_session ssh, ssh_channel channel, void *data, uint32_t size, int is_stderr,
                   void *user) {
    struct sl_closing *closing = user;
    sl_session *session = closing->session;
    size_t *held = &closing->held[is_stderr != 0];
    (void)ssh, (void)channel, (void)data;
    session->closing_bytes += size - *held;
    *held = size;
    if (size > SL_CHANNEL_BYTES_MOST || session->closing_bytes > ALL_MOST)
        session->offence = SL_OFFENCE_FLOOD;
    return 0;
}

static void on_close(ssh_session ssh, ssh_channel channel, void *user) {
    (void)ssh, (void)channel;
    ((struct sl_closing *)user)->closed = true;
}

void sl_closing_add(sl_session *session, ssh_channel channel) {
    struct sl_closing *closing = calloc(1, sizeof(*closing));
    if (closing) {
        closing->session = session;
        closing->channel = channel;
        closing->callbacks = (struct ssh_channel_callbacks_struct){
            .userdata = closing,
            .channel_data_function = on_data,
            .channel_close_function = on_close,
        };
        ssh_callbacks_init(&closing->callbacks);
        closing->next = session->closing;
        session->closing = closing;
    }
    if (++session->closing_count > SL_CLOSING_MOST)
        session->offence = "it does not close channels that were closed";
    if (!closing || ssh_set_channel_callbacks(channel, &closing->callbacks) != SSH_OK)
        session->offence = "no memory is left to count what it still sends";
    if (!closing)
        ssh_channel_free(channel);
}

static void free_closing(struct sl_closing *closing) {
    closing->session->closing_bytes -= closing->held[0] + closing->held[1];
    closing->session->closing_count--;
    ssh_remove_channel_callbacks(closing->channel, &closing->callbacks);
    ssh_channel_free(closing->channel);
    free(closing);
}

static void free_those(sl_session *session, bool all) {
    struct sl_closing **at = &session->closing;
    while (*at) {
        struct sl_closing *closing = *at;
        if (all || closing->closed) {
            *at = closing->next;
            free_closing(closing);
        } else {
            at = &closing->next;
        }
    }
}

void sl_closing_reap(sl_session *session) {
    free_those(session, false);
}

void sl_closing_finish(sl_session *session) {
    free_those(session, true);
}
