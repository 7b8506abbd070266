"""Peers whose message never ends, in parts that are each small enough."""

import socket
import struct
import threading

from harness.waiting import allow

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
PART = b"\x03" + struct.pack(">Q", 65536) + bytes(65536)  # and more to come
MOST = 1 << 30


def shake_hands(peer, kind):
    """Becomes a peer with a socket of this type."""
    body = b"\5READY" + b"\x0bSocket-Type" + struct.pack(">I", len(kind)) + kind
    peer.sendall(GREETING + bytes([4, len(body)]) + body)
    heard = b""
    while b"READY" not in heard:
        piece = peer.recv(4096)
        if not piece:
            raise ConnectionResetError
        heard += piece


def flood(peer, kind):
    """Sends parts until it is cut off; whether that came before there were far too many."""
    try:
        shake_hands(peer, kind)
        for _ in range(MOST // len(PART)):
            peer.sendall(PART)
    except OSError:
        return True
    return False


def flood_port(port, kind):
    with socket.create_connection(("127.0.0.1", port), timeout=allow(20)) as peer:
        return flood(peer, kind)


class FloodingViewer:
    """Answers whoever connects with a message that never ends."""

    def __init__(self, kind):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.cut_off = True
        self._thread = threading.Thread(target=self._serve, args=[kind])
        self._thread.start()

    def _serve(self, kind):
        try:
            while self.cut_off:
                peer, _ = self._socket.accept()
                with peer:
                    self.cut_off = flood(peer, kind)
        except OSError:
            pass  # closed

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
