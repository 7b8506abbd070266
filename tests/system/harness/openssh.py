"""A private OpenSSH server on a free loopback port, run as the current user, and its keys."""

import getpass
import os
import pathlib
import re
import signal
import subprocess
import sys

from harness.ports import free_port, ipv6_works
from harness.processes import Process

SSHD = "/usr/sbin/sshd"
SEPARATION = pathlib.Path("/run/sshd")
SILENT = """
import signal, socket, sys
place = socket.create_server(("", int(sys.argv[1])))
print("listening", file=sys.stderr, flush=True)
signal.pause()
"""


def make_key(path, kind="ed25519", passphrase=""):
    """A new private key at `path`, its public half beside it; returns the path."""
    words = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "sightline", "-f", str(path)]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return path


def public_key(path):
    return path.with_name(path.name + ".pub").read_text(encoding="ascii").strip()


def fingerprint(path):
    """`SHA256:...` of a key, as ssh-keygen prints it."""
    words = ["ssh-keygen", "-l", "-E", "sha256", "-f", str(path)]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()[1]


def children_of(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(word) for word in text.split()]


def descendants_of(pid):
    found = []
    for child in children_of(pid):
        found += [child, *descendants_of(child)]
    return found


def bracketed(address):
    return f"[{address}]" if ":" in address else address


class Server:
    """What a test does with an SSH server, whichever it is: one that has a folder, a port,
    addresses, a key that it lets in, a file of known hosts, and a process that has its sessions
    below it."""

    user = getpass.getuser()

    def host_key(self, kind="ed25519"):
        return self.folder / f"host_{kind}"

    def names(self):
        names = {"127.0.0.1", "::1", "localhost", *self.addresses}
        return [f"[{name}]:{self.port}" for name in sorted(names)]

    def wait_log(self, pattern, seconds=20):
        return self._process.wait_said(pattern, seconds)

    def kill_sessions(self):
        """Ends every session at once, as a broken network or an administrator would."""
        victims = descendants_of(self._process.pid)
        assert victims, "no session to kill"
        for pid in victims:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def pids(self):
        return [self._process.pid, *descendants_of(self._process.pid)]

    def pause(self):
        """Stops all of it where it is; its kernel goes on taking connections and bytes."""
        for pid in self.pids():
            os.kill(pid, signal.SIGSTOP)

    def resume(self):
        for pid in self.pids():
            os.kill(pid, signal.SIGCONT)

    def stop(self):
        """Ends the server with its sessions; nobody listens on the port when this returns."""
        if self._process is None:
            return
        victims = descendants_of(self._process.pid)
        self._process.kill()
        for pid in victims:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self._process.finish()
        self._process = None

    def fall_silent(self):
        """In its place something takes connections from now on, and says nothing."""
        self.stop()
        words = [sys.executable, "-c", SILENT, self.port]
        self._process = Process(words, prefix=self._prefix)
        self._process.wait_said("listening")

    def close(self):
        self.stop()

    def destination(self, host="127.0.0.1"):
        return f"{self.user}@{bracketed(host)}:{self.port}"

    def trust(self):
        """The options that make the host's key known."""
        return ["-o", f"ssh_known_hosts={self.known_hosts}"]

    def options(self, host="127.0.0.1"):
        """What a sender needs to log in with the test's key and the known host key."""
        return ["--ssh", self.destination(host), "--ssh-key", self.key, *self.trust()]


class Sshd(Server):
    """One sshd: its port stays the same over `stop` and `start`."""

    def __init__(self, folder, host_keys=("ed25519",), options=(), prefix=(), addresses=None):
        self.folder = pathlib.Path(folder)
        self._prefix = prefix
        self._options = options
        self._host_keys = host_keys
        self._made_separation = False
        self._started = False
        self._process = None
        self.port = free_port()
        self.addresses = addresses or ["127.0.0.1"] + (["::1"] if ipv6_works() else [])
        self.key = make_key(self.folder / "id")
        self.authorized = self.folder / "authorized_keys"
        self.authorized.write_text(public_key(self.key) + "\n", encoding="ascii")
        self.authorized.chmod(0o600)
        self.known_hosts = self.folder / "known_hosts"
        self.new_host_keys()
        self.write_known_hosts()

    def new_host_keys(self):
        for kind in self._host_keys:
            for path in (self.host_key(kind), self.folder / f"host_{kind}.pub"):
                path.unlink(missing_ok=True)
            make_key(self.host_key(kind), kind)

    def write_known_hosts(self, hashed=False, kinds=None):
        keys = [public_key(self.host_key(kind)) for kind in kinds or self._host_keys]
        lines = [f"{name} {key}\n" for name in self.names() for key in keys]
        self.known_hosts.write_text("".join(lines), encoding="ascii")
        if hashed:
            words = ["ssh-keygen", "-q", "-H", "-f", str(self.known_hosts)]
            subprocess.run(words, check=True, capture_output=True)
            (self.folder / "known_hosts.old").unlink(missing_ok=True)

    def configure(self, *options):
        """What its configuration says besides, from the next start on."""
        self._options = options

    def _write_configuration(self):
        lines = [f"ListenAddress {bracketed(a)}:{self.port}" for a in self.addresses]
        lines += [f"HostKey {self.host_key(kind)}" for kind in self._host_keys]
        lines += [
            f"AuthorizedKeysFile {self.authorized}",
            "PidFile none",
            "UsePAM no",
            "StrictModes no",
            "PermitRootLogin yes",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "LogLevel DEBUG1",
            "MaxStartups 100",
            *self._options,
        ]
        path = self.folder / "sshd_config"
        path.write_text("\n".join(lines) + "\n", encoding="ascii")
        return path

    def start(self):
        """Listens when this returns."""
        if os.geteuid() == 0 and not SEPARATION.exists():
            SEPARATION.mkdir(mode=0o755)
            self._made_separation = True
        while not self._listens():
            # Somebody else has taken the port meanwhile, maybe on one address only.
            assert not self._started, f"port {self.port} is taken\n{self._process.account()}"
            self.stop()
            self.port = free_port()
            self.write_known_hosts()
        self._started = True
        return self

    def _listens(self):
        words = [SSHD, "-D", "-e", "-f", self._write_configuration()]
        self._process = Process(words, prefix=self._prefix)
        said = [
            self._process.wait_said(rf"(listening|Bind to port \d+) on {address} (port|failed)")
            for address in self.addresses
        ]
        return all("listening" in line for line in said)

    def logged(self, pattern):
        return [line for line in self._process.said.so_far() if re.search(pattern, line)]

    def close(self):
        super().close()
        if self._made_separation:
            try:
                SEPARATION.rmdir()
            except OSError:
                pass  # somebody else's server uses it by now

    def alias(self, name):
        """The lines of a client's configuration that lead here by another name."""
        return [
            f"Host {name}", "HostName 127.0.0.1", f"Port {self.port}", f"User {self.user}",
            f"UserKnownHostsFile {self.known_hosts}", f"IdentityFile {self.key}",
        ]  # fmt: skip


class Agent:
    """An ssh-agent of the test's own."""

    def __init__(self, folder):
        self.socket = pathlib.Path(folder) / "agent"
        self._process = Process(
            ["ssh-agent", "-D", "-a", self.socket], stdout=subprocess.PIPE
        )
        assert self._process.stdout.readline(), "the agent did not start"

    def add(self, key):
        environment = {**os.environ, "SSH_AUTH_SOCK": str(self.socket)}
        subprocess.run(
            ["ssh-add", "-q", str(key)], env=environment, check=True, capture_output=True
        )

    def close(self):
        self._process.finish()
        self.socket.unlink(missing_ok=True)
