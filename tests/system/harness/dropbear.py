"""A private dropbear, the SSH server of small devices, run as the current user."""

import pathlib
import shutil
import subprocess

from harness.openssh import Server, bracketed, make_key, public_key
from harness.processes import Process


def why_not():
    """Why there can be none here, or None."""
    for program in ("dropbear", "dropbearkey", "unshare"):
        if shutil.which(program) is None:
            return f"there is no {program}"
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True)
    return None if tried.returncode == 0 else f"unshare: {tried.stderr.strip()}"


class Dropbear(Server):
    """It reads the keys that it lets in from the user's own folder, and from no other: it gets to
    see another one in its place."""

    def __init__(self, folder, prefix=(), addresses=("127.0.0.1",), host_keys=("ed25519",)):
        self.folder = pathlib.Path(folder)
        self._prefix = prefix
        self._host_keys = host_keys
        self._process = None
        self.addresses = list(addresses)
        self.port = 2222
        self.key = make_key(self.folder / "id")
        (self.folder / ".ssh").mkdir(mode=0o700)
        self.authorized = self.folder / ".ssh" / "authorized_keys"
        self.authorized.write_text(public_key(self.key) + "\n", encoding="ascii")
        self.authorized.chmod(0o600)
        self.known_hosts = self.folder / "known_hosts"
        self.new_host_keys()

    def new_host_keys(self):
        lines = []
        for kind in self._host_keys:
            path = self.host_key(kind)
            path.unlink(missing_ok=True)
            words = ["dropbearkey", "-t", kind, "-f", str(path)]
            said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
            key = next(line for line in said.splitlines() if line.startswith(("ssh-", "ecdsa-")))
            lines += [f"{name} {key}\n" for name in self.names()]
        self.known_hosts.write_text("".join(lines), encoding="ascii")

    def start(self):
        """Listens when this returns."""
        home = pathlib.Path.home()
        words = ["dropbear", "-F", "-E", "-s", "-a", "-P", self.folder / "pid"]
        for kind in self._host_keys:
            words += ["-r", self.host_key(kind)]
        for address in self.addresses:
            words += ["-p", f"{bracketed(address)}:{self.port}"]
        mounted = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" "$1" && shift && exec "$@"']
        self._process = Process([*mounted, self.folder, home, *words], prefix=self._prefix)
        self._process.wait_said("Not backgrounding")
        return self
