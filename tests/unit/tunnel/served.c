/* tests: a server and who listens behind it, ready for tunnels. */
#include "served.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

struct sshd server;
struct echo behind;

int start_served(void **state) {
    (void)state;
    sshd_start(&server, "");
    echo_start(&behind);
    return 0;
}

int stop_served(void **state) {
    (void)state;
    echo_stop(&behind);
    sshd_finish(&server);
    return 0;
}

sl_tunnel *open_tunnel(const sl_tunnel_target *target, sl_ssh_backend backend) {
    sl_tunnel *tunnel;
    sl_tunnel_settings settings;
    sshd_settings(&server, &settings);
    settings.backend = backend;
    if (sl_tunnel_open(&tunnel, &settings, target, NULL) != SL_OK)
        fail_msg("%s", sl_error());
    return tunnel;
}

void wait_reconnects(sl_tunnel *tunnel, uint64_t times) {
    sl_tunnel_status status;
    for (int waited_ms = 0; waited_ms < PATIENCE_MS; waited_ms += 5) {
        sl_tunnel_status_get(tunnel, &status);
        if (status.failure)
            fail_msg("failed for good: %s", status.reason);
        if (status.reconnects >= times && status.state == SL_TUNNEL_UP)
            return;
        usleep(5000); /* a status is asked for; it doesn't tell */
    }
    fail_msg("it did not come back: %s, %s", sl_tunnel_state_name(status.state), status.reason);
}
