"""A relay between a client and a server, as a router is: it can forget a connection at one side."""

import selectors
import socket
import threading
import time


class Relay:
    """Passes TCP connections on to a loopback port, as fast as it can or only so fast."""

    def __init__(self, port, bytes_per_second=None):
        self._target = ("127.0.0.1", port)
        self._seconds_per_byte = 1 / bytes_per_second if bytes_per_second else 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        if bytes_per_second:  # or the kernel would take it all at once
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.port = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._pairs = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            with self._lock:
                self._pairs.append((client, server))
            threading.Thread(target=self._pump, args=(client, server), daemon=True).start()

    def _pump(self, client, server):
        other = {client: server, server: client}
        with selectors.DefaultSelector() as ready:
            for end in other:
                ready.register(end, selectors.EVENT_READ)
            try:
                while True:
                    for key, _ in ready.select():
                        data = key.fileobj.recv(65536)
                        if not data:
                            return
                        other[key.fileobj].sendall(data)
                        time.sleep(len(data) * self._seconds_per_byte)
            except (OSError, ValueError):
                return

    def forget_clients(self):
        """Cuts every client off. Their servers are not told: to them the connections live on."""
        with self._lock:
            for client, _ in self._pairs:
                client.shutdown(socket.SHUT_RDWR)

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for ends in self._pairs:
                for end in ends:
                    end.close()
