/* tunnel: its options by name, and names of its states. Read by the stream room. */
#include "base/settings.h"
#include "tunnel/tunnel.h"

static const char *const backends[] = {"libssh", "openssh", NULL};
static const char *const policies[] = {"strict", "accept-new", NULL};

const sl_option sl_tunnel_options[] = {
    {.name = "ssh_tunnel_mode",
     .type = SL_OPTION_STRING,
     .offset = offsetof(sl_tunnel_settings, destination),
     .values = "[USER@]HOST[:PORT]",
     .help = "SSH server at which this end of the link stands; an IPv6 address with a port stands "
             "in brackets"},
    {.name = "ssh_tunnel_pwd",
     .type = SL_OPTION_STRING,
     .offset = offsetof(sl_tunnel_settings, password),
     .values = "PASSWORD",
     .help = "Password for the SSH server; others can see it in the process list, so prefer "
             "ssh_password_file"},
    {.name = "ssh_tunnel_keyfile",
     .type = SL_OPTION_STRING,
     .offset = offsetof(sl_tunnel_settings, key_file),
     .values = "FILE",
     .help = "Private key for the SSH server; without it the agent and the usual keys in ~/.ssh"},
    {.name = "ssh_password_file",
     .type = SL_OPTION_STRING,
     .offset = offsetof(sl_tunnel_settings, password_file),
     .values = "FILE or -",
     .help = "File whose first line is the password for the SSH server; - asks for it"},
    {.name = "ssh_passphrase_file",
     .type = SL_OPTION_STRING,
     .offset = offsetof(sl_tunnel_settings, passphrase_file),
     .values = "FILE",
     .help = "File whose first line is the passphrase of the private key"},
    {.name = "ssh_host_key",
     .type = SL_OPTION_STRING,
     .offset = offsetof(sl_tunnel_settings, host_key),
     .values = "SHA256:FINGERPRINT",
     .help = "The only host key to accept, by its fingerprint"},
    {.name = "ssh_host_key_policy",
     .type = SL_OPTION_CHOICE,
     .offset = offsetof(sl_tunnel_settings, host_key_policy),
     .choices = policies,
     .fallback = "strict",
     .values = "strict or accept-new",
     .help = "What to do about a host that is not in known_hosts: refuse it, or accept it and "
             "remember its key"},
    {.name = "ssh_known_hosts",
     .type = SL_OPTION_STRING,
     .offset = offsetof(sl_tunnel_settings, known_hosts),
     .values = "FILE",
     .help = "Known host keys; without it the user's, the system's and Sightline's own"},
    {.name = "ssh_connect_timeout",
     .type = SL_OPTION_INT,
     .offset = offsetof(sl_tunnel_settings, connect_timeout_s),
     .minimum = 1,
     .maximum = 600,
     .fallback = "8",
     .values = "1 to 600",
     .help = "Seconds that the SSH server has to answer"},
    {.name = "ssh_alive_timeout",
     .type = SL_OPTION_INT,
     .offset = offsetof(sl_tunnel_settings, alive_timeout_s),
     .minimum = 1,
     .maximum = 600,
     .fallback = "5",
     .values = "1 to 600",
     .help = "Seconds of silence, though asked, after which the SSH connection is lost and made "
             "anew"},
    {.name = "persist",
     .type = SL_OPTION_BOOL,
     .offset = offsetof(sl_tunnel_settings, persist),
     .fallback = "false",
     .help = "Never give the tunnel up: wait for a host that can't be reached at first, and try "
             "again once a minute what was refused (log-in, host key, forwarding)"},
    {.name = "ssh_backend",
     .type = SL_OPTION_CHOICE,
     .offset = offsetof(sl_tunnel_settings, backend),
     .choices = backends,
     .fallback = "libssh",
     .values = "libssh or openssh",
     .help = "What speaks SSH: Sightline itself, or the ssh command with all that its own "
             "configuration can do"},
    {.name = "ssh_config",
     .type = SL_OPTION_STRING,
     .offset = offsetof(sl_tunnel_settings, ssh_config),
     .values = "FILE",
     .help = "Configuration of the ssh command, instead of the user's and the system's; with "
             "ssh_backend=openssh"},
    {.name = "ssh_jump",
     .type = SL_OPTION_STRING,
     .offset = offsetof(sl_tunnel_settings, jump),
     .values = "[USER@]HOST[:PORT],...",
     .help = "SSH servers to go through on the way to the one of ssh_tunnel_mode, in order; at "
             "most 8"},
    {.name = "ssh_jump_keys",
     .type = SL_OPTION_STRING,
     .offset = offsetof(sl_tunnel_settings, jump_keys),
     .values = "FILE,...",
     .help = "Private key for each server of ssh_jump, in order; an empty one means the agent and "
             "the usual keys. Without it, all get the key of ssh_tunnel_keyfile"},
};

const size_t sl_tunnel_option_count = SL_COUNT(sl_tunnel_options);

const char *sl_tunnel_state_name(sl_tunnel_state state) {
    static const char *const names[] = {
        [SL_TUNNEL_NONE] = "none",
        [SL_TUNNEL_RESOLVING] = "resolving",
        [SL_TUNNEL_CONNECTING] = "connecting",
        [SL_TUNNEL_VERIFYING] = "verifying",
        [SL_TUNNEL_AUTHENTICATING] = "authenticating",
        [SL_TUNNEL_FORWARDING] = "forwarding",
        [SL_TUNNEL_UP] = "up",
        [SL_TUNNEL_WAITING] = "waiting",
    };
    return (size_t)state < SL_COUNT(names) ? names[state] : "unknown";
}
