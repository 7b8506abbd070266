/* tunnel: the gate's options by name. Read by the stream room. */
#include "base/settings.h"
#include "tunnel/gate.h"

#define FIELD(name) offsetof(sl_gate_settings, name)

const sl_option sl_gate_options[] = {
    {.name = "gate",
     .type = SL_OPTION_STRING,
     .offset = FIELD(listen),
     .values = "[ADDR:]PORT",
     .help =
         "Be an SSH server there that carries frames and does nothing else; then the viewer can "
         "be reached through it alone"},
    {.name = "gate_authorized_keys",
     .type = SL_OPTION_STRING,
     .offset = FIELD(authorized_keys),
     .values = "FILE",
     .help = "Public keys that the gate lets in, a line each; without it "
             "$XDG_CONFIG_HOME/sightline/authorized_keys"},
    {.name = "gate_password_file",
     .type = SL_OPTION_STRING,
     .offset = FIELD(password_file),
     .values = "FILE",
     .help = "File whose first line is a password that the gate takes too; without it keys only"},
    {.name = "gate_max_connections",
     .type = SL_OPTION_INT,
     .offset = FIELD(max_connections),
     .minimum = 1,
     .maximum = 10000,
     .fallback = "64",
     .values = "1 to 10000",
     .help = "SSH connections that may be logged in at once"},
    {.name = "gate_max_unauthenticated",
     .type = SL_OPTION_INT,
     .offset = FIELD(max_unauthenticated),
     .minimum = 1,
     .maximum = 1000,
     .fallback = "16",
     .values = "1 to 1000",
     .help = "SSH connections that may be not logged in yet; the oldest makes way for a newer one"},
    {.name = "gate_max_attempts",
     .type = SL_OPTION_INT,
     .offset = FIELD(max_attempts),
     .minimum = 1,
     .maximum = 100,
     .fallback = "6",
     .values = "1 to 100",
     .help = "Refused keys and passwords after which an SSH connection is ended"},
    {.name = "gate_login_timeout",
     .type = SL_OPTION_INT,
     .offset = FIELD(login_timeout_s),
     .minimum = 1,
     .maximum = 600,
     .fallback = "20",
     .values = "1 to 600",
     .help = "Seconds that a log-in may take"},
    {.name = "gate_buffer",
     .type = SL_OPTION_INT,
     .offset = FIELD(buffer_kib),
     .minimum = 64,
     .maximum = 65536,
     .fallback = "1024",
     .values = "64 to 65536",
     .help = "KiB that may wait here for the viewer, of each SSH connection, before it is read "
             "but once a second"},
};

const size_t sl_gate_option_count = SL_COUNT(sl_gate_options);
