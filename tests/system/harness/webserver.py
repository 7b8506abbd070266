"""An HTTP server for one film: a file as it is, or an endless MJPEG stream as IP cameras send."""

import http.server
import threading

from harness import netgear, pictures
from harness.ports import free_port

BOUNDARY = b"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: "


class Handler(http.server.BaseHTTPRequestHandler):
    """`/camera` is the endless stream, anything else the file, or 404 without one."""

    def do_GET(self):
        if self.path == "/camera":
            self._stream()
        elif self.server.film is None:
            self.send_error(404)
        else:
            self.send_response(200)
            data = self.server.film.read_bytes()
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    def _stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=picture")
        self.end_headers()
        number = 0
        try:
            while not self.server.ending.wait(0.04):
                data = netgear.encode_jpeg(pictures.picture(number))
                self.wfile.write(BOUNDARY + str(len(data)).encode() + b"\r\n\r\n" + data + b"\r\n")
                number += 1
        except OSError:
            pass

    def log_message(self, *_words):
        pass


class Server(http.server.ThreadingHTTPServer):
    """Stops and starts again on the port it had."""

    daemon_threads = True


class Web:
    """The server's life: `start`, `stop`, on one port."""

    def __init__(self, film=None):
        self._film = film
        self.port = free_port()
        self._server = None

    def start(self):
        self._server = Server(("127.0.0.1", self.port), Handler)
        self._server.film = self._film
        self._server.ending = threading.Event()
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def stop(self):
        if self._server is not None:
            self._server.ending.set()
            self._server.shutdown()
            self._server.server_close()
            self._server = None
