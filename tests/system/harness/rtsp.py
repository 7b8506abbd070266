"""A small RTSP server (RFC 2326) for one film: H.264 over RTP, interleaved in its connection.

ffmpeg makes the RTP packets and the description; this passes them on as a camera would.
"""

import pathlib
import select
import socket
import subprocess
import tempfile
import threading

from harness.processes import Process

CODER = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "10"]


def without_reports(pending):
    """What is left after the client's own RTP reports, which stand between its requests."""
    while pending[:1] == b"$" and len(pending) >= 4:
        pending = pending[4 + int.from_bytes(pending[2:4], "big") :]
    return pending


class Rtsp:
    """Serves the film in a loop to one client after the other."""

    def __init__(self, film):
        self._folder = tempfile.TemporaryDirectory()
        self._packets = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._packets.bind(("127.0.0.1", 0))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"rtsp://127.0.0.1:{self._listener.getsockname()[1]}/camera"
        self._coder = self._start_coder(film)
        self._description = self._describe()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _start_coder(self, film):
        target = f"rtp://127.0.0.1:{self._packets.getsockname()[1]}"
        self._sdp = pathlib.Path(self._folder.name) / "film.sdp"
        words = ["ffmpeg", "-nostdin", "-v", "error", "-re", "-stream_loop", "-1", "-i", film]
        words += ["-pix_fmt", "yuv420p", *CODER, "-f", "rtp", "-sdp_file", self._sdp, target]
        return Process(words, stdout=subprocess.DEVNULL)

    def _describe(self):
        assert select.select([self._packets], [], [], 20)[0], self._coder.account()
        lines = self._sdp.read_text(encoding="ascii").splitlines()
        kept = [line for line in lines if not line.startswith(("SDP:", "c=", "m=", "a=control"))]
        kept.insert(kept.index("t=0 0") + 1, "m=video 0 RTP/AVP 96")
        return "\r\n".join([*kept, "a=control:0", ""])

    def _serve(self):
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            with peer:
                try:
                    self._talk(peer)
                except OSError:
                    pass

    def _talk(self, peer):
        playing, pending = False, b""
        while True:
            ready, _, _ = select.select([peer, self._packets], [], [])
            if self._packets in ready:
                packet = self._packets.recv(65536)
                if playing:
                    peer.sendall(b"$\0" + len(packet).to_bytes(2, "big") + packet)
            if peer in ready:
                data = peer.recv(65536)
                if not data:
                    return
                pending = without_reports(pending + data)
                while b"\r\n\r\n" in pending:
                    request, pending = pending.split(b"\r\n\r\n", 1)
                    playing = self._answer(peer, request.decode("latin-1")) or playing
                    pending = without_reports(pending)

    def _answer(self, peer, request):
        """Answers one request; true for PLAY."""
        words = request.split("\r\n")
        method = words[0].split()[0]
        headers = dict(line.split(": ", 1) for line in words[1:] if ": " in line)
        status, extra, body = "200 OK", "", ""
        if method == "OPTIONS":
            extra = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
        elif method == "DESCRIBE":
            body = self._description
            extra = f"Content-Base: {self.url}/\r\nContent-Type: application/sdp\r\n"
        elif method == "SETUP" and "interleaved" not in headers.get("Transport", ""):
            status = "461 Unsupported Transport"
        elif method == "SETUP":
            extra = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n"
        else:
            extra = "Session: 1\r\n"
        answer = f"RTSP/1.0 {status}\r\nCSeq: {headers.get('CSeq', '0')}\r\n{extra}"
        peer.sendall(f"{answer}Content-Length: {len(body)}\r\n\r\n{body}".encode("latin-1"))
        return method == "PLAY"

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._coder.finish()
        self._packets.close()
        self._folder.cleanup()
