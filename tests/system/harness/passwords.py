"""The SSH server that accepts a password: ssh_server.c, built and run."""

import pathlib
import shlex
import subprocess

from harness.openssh import make_key, public_key
from harness.processes import ROOT, Process

SOURCE = ROOT / "tests" / "system" / "ssh_server.c"


def build(folder):
    """Compiles the server; returns the program's path."""
    program = pathlib.Path(folder) / "ssh_server"
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libssh"], check=True, capture_output=True, text=True
    ).stdout
    words = ["cc", "-std=c17", "-D_GNU_SOURCE", "-O1", "-o", str(program), str(SOURCE)]
    subprocess.run(words + shlex.split(flags), check=True)
    return program


class PasswordServer:
    """Lets in whoever knows the password, by `password` or `keyboard-interactive`; `mute` is by
    password too, and then without an answer to who asks whether it is there; `curt` hangs up as
    soon as something comes that it is to pass on.
    """

    def __init__(self, program, folder, password, method="password"):
        self.folder = pathlib.Path(folder)
        key = make_key(self.folder / "password_host_key")
        self._process = Process([program, key, password, method], stdout=subprocess.PIPE)
        line = self._process.stdout.readline()
        assert line, f"the password server did not start\n{self._process.account()}"
        self.port = int(line)
        self.known_hosts = self.folder / "password_known_hosts"
        self.known_hosts.write_text(
            f"[127.0.0.1]:{self.port} {public_key(key)}\n", encoding="ascii"
        )

    def options(self):
        """What a sender needs besides the password."""
        destination = f"someone@127.0.0.1:{self.port}"
        return ["--ssh", destination, "-o", f"ssh_known_hosts={self.known_hosts}"]

    def wait_log(self, pattern, seconds=20):
        return self._process.wait_said(pattern, seconds)

    def close(self):
        self._process.finish()
