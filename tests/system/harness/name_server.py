"""A name server that takes its time. A program: SECONDS; says when it listens.

Whatever name it is asked for has the IPv4 address that its standard input told last, and none of
another kind.
"""

import socket
import sys
import threading

HEADER = 12
IPV4 = b"\0\1\0\1"  # type A, class IN


def answer(question, address):
    """To a query without its header, which goes before it."""
    end = question.index(0) + 1 + len(IPV4)
    found = question[:end].endswith(IPV4)
    counts = b"\0\1" + (b"\0\1" if found else b"\0\0") + bytes(4)
    record = b"\xc0\x0c" + IPV4 + bytes(4) + b"\0\4" + socket.inet_aton(address)
    return b"\x81\x80" + counts + question[:end] + (record if found else b"")


def main(seconds):
    addresses = [sys.stdin.readline().strip()]
    told = (line.strip() for line in sys.stdin)
    threading.Thread(target=addresses.extend, args=[told], daemon=True).start()
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    print("listening", flush=True)
    while True:
        query, client = server.recvfrom(512)
        reply = query[:2] + answer(query[HEADER:], addresses[-1])
        threading.Timer(float(seconds), server.sendto, (reply, client)).start()


main(*sys.argv[1:])
