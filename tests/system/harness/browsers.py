"""Browsers without a face: what one asks a viewer's page over HTTP, and reads of its streams."""

import http.client
import json
import socket
import ssl
import struct
import threading
import time
import urllib.parse

from harness.waiting import allow

RECORD = struct.Struct(">IBBHHHQQ")
PATIENCE = 60


class Page:
    """The page of a viewer, by the link that it gave."""

    def __init__(self, link, trusted=None):
        parts = urllib.parse.urlsplit(link)
        self.link, self.host, self.port = link, parts.hostname, parts.port
        self.token = urllib.parse.parse_qs(parts.query).get("token", [None])[0]
        self.tls = None
        if parts.scheme == "https":
            self.tls = ssl.create_default_context(cafile=trusted)

    def connect(self):
        made = socket.create_connection((self.host, self.port), allow(PATIENCE))
        return self.tls.wrap_socket(made, server_hostname=self.host) if self.tls else made

    def ask(self, path, method="GET", body=None, **headers):
        """The response, its body read."""
        words = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection(self.host, self.port, timeout=allow(PATIENCE))
        connection.sock = self.connect()
        try:
            connection.request(method, path, body, words)
            response = connection.getresponse()
            response.content = response.read()
            return response
        finally:
            connection.close()

    def status(self, path, **how):
        return self.ask(path, **how).status

    def figures(self):
        """What /metrics tells, by the names with their labels."""
        lines = self.ask("/metrics").content.decode().splitlines()
        told = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name: float(value) for name, value in told}

    def wait_figure(self, name, enough, seconds=60):
        deadline = time.monotonic() + allow(seconds)
        while not enough((value := self.figures().get(name))):
            assert time.monotonic() < deadline, f"{name} stays at {value}"
            time.sleep(0.2)
        return value

    def wait_camera(self, enough, seconds=60):
        """Until the camera that came first is told of so."""
        deadline = time.monotonic() + allow(seconds)
        while not enough(told := json.loads(self.ask("/api/cameras").content)[0]):
            assert time.monotonic() < deadline, told
            time.sleep(0.2)
        return told

    def stream(self, path, **headers):
        return Stream(self, path, headers)

    def first_camera(self, **headers):
        """The path of the camera that came first, once there is one."""
        news = self.stream("/api/events", **headers)
        while not (cameras := json.loads(news.event())["cameras"]):
            pass
        news.close()
        return f"/api/cameras/{cameras[0]['id']}"


class Stream:
    """A stream's response, under way."""

    def __init__(self, page, path, headers=None, receive_buffer=None):
        if receive_buffer:
            self._socket = socket.socket()
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            self._socket.connect((page.host, page.port))
        else:
            self._socket = page.connect()
        self._socket.settimeout(allow(PATIENCE))
        words = {"Host": f"{page.host}:{page.port}", **(headers or {})}
        lines = "".join(f"{name}: {value}\r\n" for name, value in words.items())
        self._socket.sendall(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode())
        self._file = self._socket.makefile("rb")
        self.status = int(self._file.readline().split()[1])
        self.headers = {}
        while line := self._file.readline().strip():
            name, value = line.decode().split(": ", 1)
            self.headers[name.lower()] = value

    def record(self):
        """The next frame of a stream of frames: (kind, keyframe, sequence, captured, bytes)."""
        while True:
            head = self._file.read(RECORD.size)
            assert len(head) == RECORD.size, "the stream ended"
            size, kind, flags, _, _, _, captured, sequence = RECORD.unpack(head)
            content = self._file.read(size)
            assert len(content) == size, "the stream ended within a frame"
            if kind:
                return kind, bool(flags & 1), sequence, captured, content

    def part(self):
        """The next picture of a stream of JPEGs: (when, bytes)."""
        size = when = None
        while line := self._file.readline():
            name, _, value = line.decode().strip().partition(": ")
            if name == "Content-Length":
                size = int(value)
            elif name == "X-Timestamp":
                when = value
            elif not name and size is not None:
                return when, self._file.read(size)
        raise AssertionError("the stream ended")

    def event(self):
        """The data of the next event."""
        while line := self._file.readline():
            if line.startswith(b"data: "):
                return line[6:]
        raise AssertionError("the stream ended")

    def ended(self):
        """Reads to the end, if there is one."""
        try:
            while self._file.read(65536):
                pass
        except ConnectionError:
            pass
        return True

    def close(self):
        self._file.close()
        self._socket.close()


class Reader(threading.Thread):
    """Takes whatever comes of a stream, until it has seen enough."""

    def __init__(self, take, enough):
        super().__init__(daemon=True)
        self._take, self._enough = take, enough
        self.taken, self.failure = [], None
        self.start()

    def run(self):
        try:
            while not self._enough(self.taken):
                self.taken.append(self._take())
        except Exception as failure:  # told where it is waited for
            self.failure = failure

    def wait(self, seconds=60):
        self.join(allow(seconds))
        assert not self.is_alive(), f"only {len(self.taken)} came"
        if self.failure:
            raise self.failure
        return self.taken
