"""SSH clients that mean no good: they exchange keys as they should, and then say what they like."""

import contextlib
import queue
import socket
import threading
import time

import paramiko

from harness.waiting import allow

UNKNOWN = 3
UNHEARD_OF = 192
DATA, EOF, CLOSE = 94, 96, 97
SAYS_YES = {52: "a log-in", 81: "a global request", 91: "a channel", 99: "a channel's request"}


class Trickle:
    """A socket that can be told to send a byte at a time, with a pause before each."""

    def __init__(self, connection):
        self._connection = connection
        self.pause_s = 0

    def send(self, data):
        if self.pause_s:
            time.sleep(self.pause_s)
            data = data[:1]
        return self._connection.send(data)

    def __getattr__(self, name):
        return getattr(self._connection, name)


def message_of(number, fields):
    message = paramiko.Message()
    message.add_byte(bytes([number]))
    for field in fields:
        if isinstance(field, bool):
            message.add_boolean(field)
        elif isinstance(field, int):
            message.add_int(field)
        else:
            message.add_string(field)
    return message


class Stranger(paramiko.Transport):
    """A connection whose keys are exchanged; `heard` has the number of each message that came."""

    def __init__(self, port):
        self.line = Trickle(socket.create_connection(("127.0.0.1", port), timeout=allow(30)))
        self.heard = []
        self._news = threading.Condition()
        self._unknown = queue.SimpleQueue()  # those of ours that were not known; None: the end
        super().__init__(self.line)
        listen = self.packetizer.read_message

        def read_message():
            number, message = listen()
            with self._news:
                self.heard.append(number)
                self._news.notify_all()
            if number == UNKNOWN:
                self._unknown.put(int.from_bytes(message.asbytes()[1:5], "big"))
            return number, message

        self.packetizer.read_message = read_message
        self.start_client(timeout=allow(30))

    def run(self):
        super().run()
        self._unknown.put(None)

    def say(self, *messages):
        """Says a list of (number, field…), as far as it gets: what has a length, booleans, and
        numbers of 32 bits."""
        with contextlib.suppress(EOFError, OSError):
            for number, *fields in messages:
                self._send_message(message_of(number, fields))

    def settle(self):
        """Waits until the other side has answered all, or has gone."""
        with self.packetizer._Packetizer__write_lock:
            last = self.packetizer._Packetizer__sequence_number_out
            self.say((UNHEARD_OF,))
        while (number := self._unknown.get(timeout=allow(30))) != last:
            if number is None:
                self._unknown.put(None)
                return

    def wait_heard(self, number):
        with self._news:
            assert self._news.wait_for(lambda: number in self.heard, allow(30)), self.heard

    def granted(self):
        """What the other side has said yes to by now."""
        self.settle()
        return [SAYS_YES[number] for number in self.heard if number in SAYS_YES]


def channel(port, kind="direct-tcpip", number=0):
    """Asks for a channel to the link."""
    return (90, kind, number, 1 << 20, 1 << 15, "localhost", port, "x", 1)


def log_in(method, *fields, user="camera", service="ssh-connection"):
    return (50, user, service, method, *fields)


SERVICE = (5, "ssh-userauth")
KERBEROS = b"\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"


def before_log_in(key):
    """What nobody may say who has not logged in, by name. `key` is one that would be let in."""
    blob, kind = key.asbytes(), key.get_name()
    signature = paramiko.Message()
    signature.add_string(kind)
    signature.add_string(bytes(64))
    return {
        "nothing": [],
        "success": [(52,)],
        "success within the service": [SERVICE, (52,)],
        "success after none": [SERVICE, log_in("none"), (52,), (52,)],
        "success after a key": [SERVICE, log_in("publickey", False, kind, blob), (52,)],
        "the service behind the log-in": [(5, "ssh-connection")],
        "log-in without the service": [log_in("none")],
        "log-in for another service": [SERVICE, log_in("none", service="ssh-userauth")],
        "a key without its proof": [SERVICE, log_in("publickey", False, kind, blob)],
        "a key with a wrong proof": [
            SERVICE, log_in("publickey", True, kind, blob, signature.asbytes()),
        ],
        "a key with no proof": [SERVICE, log_in("publickey", True, kind, blob, b"")],
        "a key of no bytes": [SERVICE, log_in("publickey", True, kind, b"", b"")],
        "a key of another kind": [
            SERVICE, log_in("publickey", True, "ssh-rsa", blob, signature.asbytes()),
        ],
        "an empty password": [SERVICE, log_in("password", False, "")],
        "a new password": [SERVICE, log_in("password", True, "", "x")],
        "its host": [SERVICE, log_in("hostbased", kind, blob, "localhost", "root", b"x")],
        "questions": [SERVICE, log_in("keyboard-interactive", "", ""), (61, 1, "x")],
        "answers to no question": [SERVICE, (61, 0xFFFFFFFF, "x")],
        "kerberos": [SERVICE, log_in("gssapi-with-mic", 1, KERBEROS), (61, "x"), (66, "x")],
        "kerberos without asking": [SERVICE, (61, "x"), (63,), (66, "x")],
        "what servers say": [SERVICE, (60, kind, blob), (51, "publickey", False), (53, "x", "")],
        "keys again, without a list": [(20,)],
        "new keys": [(21,)],
        "the middle of a key exchange": [(30, bytes(32))],
        "its answer": [(31, blob, bytes(32), b"x")],
        "a port to listen on": [(80, "tcpip-forward", True, "", 0)],
        "many questions": [(80, "keepalive@openssh.com", True)] * 200,
        "the confirmation of a channel": [(91, 0, 0, 1 << 20, 1 << 15)],
        "the use of no channel": [
            (DATA, 0, b"\xff"), (93, 0, 1), (98, 0, "exec", True, "id"), (96, 0), (97, 0),
        ],
        "a goodbye that is none": [(1, 11, "bye", "")],
        "words that nobody knows": [(0,), (9,), (49,), (79,), (127,), (192,), (255,)],
        "extensions": [(7, 0xFFFFFFFF, "x", "y")],
        "empty words": [(2, b""), (4, True, "", ""), (3, 0)],
    }  # fmt: skip


SESSION = ("shell", "pty-req", "env", "subsystem", "auth-agent-req@openssh.com", "x11-req")
CHANNELS = ("x11", "forwarded-tcpip", "direct-streamlocal@openssh.com",
            "tun@openssh.com", "auth-agent@openssh.com", "")  # fmt: skip


def elsewhere(host, port):
    return (90, "direct-tcpip", 100, 1 << 20, 1 << 15, host, port, "x", 1)


# What a camera may not say who has logged in and has a channel, by name. Called with the link's
# port and the channel's number.
AFTER_LOG_IN = {
    "another success": lambda port, at: [(52,), SERVICE, log_in("none"), (52,)],
    "another service": lambda port, at: [(5, "ssh-connection")],
    "a command": lambda port, at: [(98, at, "exec", True, "id")],
    "a command that is a pause": lambda port, at: [(98, at, "exec", True, "sleep 1")],
    "all of a session": lambda port, at: [(98, at, kind, True, "sftp") for kind in SESSION],
    "ports to listen on": lambda port, at: [
        (80, "tcpip-forward", True, "", 0),
        (80, "tcpip-forward", True, "localhost", 2222),
        (80, "streamlocal-forward@openssh.com", True, "/tmp/x"),
        (80, "cancel-tcpip-forward", True, "", 0),
    ],
    "other channels": lambda port, at: [
        channel(port, kind, 100 + number) for number, kind in enumerate(CHANNELS)
    ],
    "other destinations": lambda port, at: [
        elsewhere("localhost", 22),
        elsewhere("localhost", 0),
        elsewhere("localhost", port + 1),
        elsewhere("192.0.2.1", port),
    ],
    "half a channel": lambda port, at: [(90, "direct-tcpip", 100, 1 << 20)],
    "a window beyond all bounds": lambda port, at: [(93, at, 0xFFFFFFFF)] * 3,
    "the use of no channel": lambda port, at: [
        (DATA, 7, b"\xff"), (93, 7, 1), (98, 7, "exec", True, "id"), (96, 7), (97, 7),
    ],
    "more after the end": lambda port, at: [(96, at), (96, at), (DATA, at, b"x")],
    "more after the close": lambda port, at: [(97, at), (97, at), (DATA, at, b"x"), (93, at, 1)],
    "another stream": lambda port, at: [(95, at, 1, b"x" * 1000), (95, at, 0xFFFFFFFF, b"x")],
    "more than it may": lambda port, at: [(DATA, at, bytes(30000))] * 200,
    "not ZeroMQ": lambda port, at: [(DATA, at, b"GET / HTTP/1.1\r\n\r\n")],
    "keys again, without a list": lambda port, at: [(20,)],
    "new keys": lambda port, at: [(21,)],
    "words that nobody knows": lambda port, at: [(0,), (9,), (49,), (79,), (127,), (192,), (255,)],
}  # fmt: skip
