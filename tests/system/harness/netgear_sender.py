"""A NetGear sender as a program of its own, with NetGear's own tunnel: a process that pyzmq makes.

    netgear_sender.py ADDRESS SERVER KEY paramiko|openssh PATTERN FRAMES [CERTIFICATES]

Ends when the receiver has acknowledged all frames and the end; a publisher, whose end can get lost,
sends until it is interrupted.
"""

import pathlib
import signal
import sys
import time

import numpy
from zmq.ssh import tunnel

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import certificates, netgear  # noqa: E402
from harness.ports import free_port  # noqa: E402


def command(*words):
    return [sys.executable, "-B", __file__, *words]


def tell_openssh(folder, environment, known):
    """OpenSSH can't be told of another user's folders by pyzmq. And on a busy machine the terminal
    that pyzmq gives it hangs up before it has left that for the background."""
    wrapper = folder / "ssh"
    wrapper.write_text(
        "#!/bin/sh\ntrap '' HUP\n"
        f'exec /usr/bin/ssh -F none -o UserKnownHostsFile={known} "$@"\n'
    )
    wrapper.chmod(0o755)
    environment["PATH"] = f"{folder}:{environment['PATH']}"


def main(address, server, key, client, pattern, frames, location=None):
    paramiko = client == "paramiko"
    # pyzmq's own are of those that somebody's connection may be given before ssh binds it.
    tunnel.select_random_ports = lambda count: [free_port() for _ in range(count)]
    endpoint, _ = tunnel.open_tunnel(address, server, keyfile=key, paramiko=paramiko)
    security = certificates.Camera(certificates.Location(location)) if location else None
    # Through a tunnel on a busy machine; in pair it waits for an answer to the end that never comes.
    patience = 4 if pattern == "pair" else 40
    sender = netgear.subscribed_sender(endpoint, pattern, security, patience)
    picture = numpy.zeros((48, 64, 3), numpy.uint8)
    for _ in range(int(frames)):
        sender.send(picture, "BGR")
    interrupted = []
    signal.signal(signal.SIGINT, lambda *_: interrupted.append(True))
    while pattern == "pubsub" and not interrupted:
        sender.send(picture, "BGR")
        time.sleep(0.02)
    sender.terminate()
    sender.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
