"""A NetGear sender as a program of its own, with NetGear's own tunnel: a process that pyzmq makes.

    netgear_sender.py ADDRESS SERVER KEY paramiko|openssh PATTERN FRAMES

Ends when the receiver has acknowledged all frames and the end.
"""

import pathlib
import sys

import numpy
from zmq.ssh import tunnel

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import netgear  # noqa: E402


def main(address, server, key, client, pattern, frames):
    paramiko = client == "paramiko"
    endpoint, _ = tunnel.open_tunnel(address, server, keyfile=key, paramiko=paramiko)
    sender = netgear.subscribed_sender(endpoint, pattern)
    picture = numpy.zeros((48, 64, 3), numpy.uint8)
    for _ in range(int(frames)):
        sender.send(picture, "BGR")
    sender.terminate()
    sender.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
