#!/usr/bin/python3
"""Makes a trace like those recorded in moving cars: the rate wanders, and at times there is none.

    tests/netlab/traces.py [--rate 4M] [--seconds 60] [--seed 1] FILE

The same words make the same trace everywhere.
"""

import argparse
import math
import random

PACKET_BITS = 1500 * 8
SPREAD, FORGETS_S = 0.6, 3  # of the rate's logarithm
OUTAGE_EACH_S, OUTAGE_S = 30, 1.5


def stamps(rate_bps, seconds, seed=1):
    """The milliseconds at which a packet can cross, the last one at the end."""
    draw = random.Random(seed)
    level, outage_ms, due, found = 0.0, 0.0, 0.0, []
    for at_ms in range(seconds * 1000):
        level += (-level / FORGETS_S + SPREAD * math.sqrt(2000 / FORGETS_S) * draw.gauss(0, 1)) / 1000
        if draw.random() < 1 / (OUTAGE_EACH_S * 1000):
            outage_ms = OUTAGE_S * 1000 * draw.expovariate(1)
        outage_ms -= 1
        if outage_ms > 0:
            continue
        due += rate_bps * math.exp(level - SPREAD**2 / 2) / 1000 / PACKET_BITS
        found += [at_ms] * int(due)
        due %= 1
    return [*found, seconds * 1000]


def write(path, rate_bps, seconds, seed=1):
    with open(path, "w", encoding="ascii") as file:
        file.writelines(f"{stamp}\n" for stamp in stamps(rate_bps, seconds, seed))


def bits(text):
    factor = {"k": 1e3, "M": 1e6, "G": 1e9}.get(text[-1:], 1)
    return float(text.rstrip("kMG")) * factor


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=bits, default=4e6, help="its mean (4M)")
    parser.add_argument("--seconds", type=int, default=60, help="how long until it repeats (60)")
    parser.add_argument("--seed", type=int, default=1, help="another one makes another trace (1)")
    parser.add_argument("file")
    told = parser.parse_args()
    write(told.file, told.rate, told.seconds, told.seed)


if __name__ == "__main__":
    main()
