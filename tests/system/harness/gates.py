"""A viewer with a gate, and clients of it: OpenSSH's, and ones that speak out of turn."""

import socket
import struct
import subprocess

import paramiko

from harness.openssh import public_key
from harness.ports import free_port
from harness.processes import Process
from harness.waiting import allow

BANNER = b"SSH-2.0-OpenSSH_9.2\r\n"
CAMERA = "pattern:320x240@60"


class Gate:
    """What a test needs to know of a viewer with a gate."""

    def __init__(self, viewer, folder, key):
        ready = viewer.ready()
        self.viewer = viewer
        self.key = key
        self.fingerprint = ready["gate_host_key"]
        self.link_port = ready["port"]
        self.port = int(ready["gate"].rpartition(":")[2])
        self._folder = folder

    def options(self, key=None):
        """What a sender needs to come through."""
        words = ["--ssh", f"camera@127.0.0.1:{self.port}", "--ssh-key", key or self.key]
        return [*words, "--ssh-host-key", self.fingerprint]

    def paramiko_key(self):
        return paramiko.Ed25519Key.from_private_key_file(str(self.key))

    def known_hosts(self, path):
        """Writes a file that knows the gate's host key."""
        scanned = subprocess.run(
            ["ssh-keyscan", "-p", str(self.port), "-t", "ed25519", "127.0.0.1"],
            check=True, capture_output=True, timeout=allow(20),
        )  # fmt: skip
        path.write_bytes(scanned.stdout)
        return path

    def ssh(self, *words, key=None):
        """The words of an OpenSSH client that would log in without asking anything."""
        known = self.known_hosts(self._folder / "gate_known_hosts")
        login = [
            "-F", "none", "-i", key or self.key, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
            "-o", f"UserKnownHostsFile={known}", "-o", "StrictHostKeyChecking=yes",
            "-o", "GlobalKnownHostsFile=none", "-o", "LogLevel=DEBUG1",
        ]  # fmt: skip
        return ["ssh", *login, "-p", str(self.port), *words, "camera@127.0.0.1"]

    def try_ssh(self, *words, command=(), key=None):
        """Runs an OpenSSH client that is expected to fail; what it said."""
        done = subprocess.run(
            [*map(str, self.ssh(*words, key=key)), *command],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=allow(30),
        )  # fmt: skip
        assert done.returncode != 0, f"ssh was let do that\n{done.stderr}"
        return done.stderr

    def connect(self):
        stranger = socket.create_connection(("127.0.0.1", self.port), timeout=allow(30))
        return stranger

    def forward(self, programs):
        """An `ssh -L` of OpenSSH; returns its local port."""
        local = free_port()
        words = self.ssh("-N", "-o", "ExitOnForwardFailure=yes",
                         "-L", f"127.0.0.1:{local}:localhost:{self.link_port}")  # fmt: skip
        client = Process(words)
        programs.append(client)
        client.wait_said("Entering interactive session")
        return local


def packet(payload):
    """An SSH packet as it is before keys are exchanged."""
    padding = 8 - (len(payload) + 5) % 8
    padding += 8 if padding < 4 else 0
    head = struct.pack(">IB", len(payload) + padding + 1, padding)
    return head + payload + bytes(padding)


def text(value):
    return struct.pack(">I", len(value)) + value


def key_exchange():
    lists = [b"curve25519-sha256", b"ssh-ed25519", b"aes128-ctr", b"aes128-ctr",
             b"hmac-sha2-256", b"hmac-sha2-256", b"none", b"none", b"", b""]  # fmt: skip
    return packet(b"\x14" + bytes(16) + b"".join(map(text, lists)) + bytes(5))


def channel_open(port):
    place = text(b"localhost") + struct.pack(">I", port) + text(b"x") + struct.pack(">I", 1)
    return packet(b"\x5a" + text(b"direct-tcpip") + struct.pack(">III", 0, 1 << 20, 1 << 15) + place)


def out_of_turn(port):
    """What nobody may say before logging in, by name."""
    login = packet(b"\x32" + text(b"root") + text(b"ssh-connection") + text(b"none"))
    return {
        "success": BANNER + packet(b"\x34"),
        "success after keys": BANNER + key_exchange() + packet(b"\x34"),
        "channel": BANNER + channel_open(port),
        "channel after keys": BANNER + key_exchange() + channel_open(port),
        "log-in before keys": BANNER + login,
        "log-in while keys are exchanged": BANNER + key_exchange() + login,
        "new keys too early": BANNER + key_exchange() + packet(b"\x15"),
        "keys twice": BANNER + key_exchange() + key_exchange() + packet(b"\x15"),
        "channel's confirmation": BANNER + packet(b"\x5b" + bytes(16)),
        "data of no channel": BANNER + key_exchange() + packet(b"\x5e" + bytes(4) + text(b"hello")),
        "another protocol": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "zeros": bytes(100000),
        "a huge packet": BANNER + b"\xff" * 100000,
        "an endless greeting": b"SSH-2.0-" + b"x" * 100000,
        "nothing": b"",
    }


def authorize(path, *keys):
    path.write_text("".join(public_key(key) + "\n" for key in keys), encoding="ascii")
    path.chmod(0o600)
    return path
