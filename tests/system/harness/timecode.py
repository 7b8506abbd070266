"""Reads the timecode out of a picture, from its definition alone.

Top-left, 2 rows of 16 squares, row by row, least significant bit first, white is 1: UTC
milliseconds modulo 2^32. A square is width/16 pixels wide, rounded down, at least 8, at most 32.
"""

import time


def square_size(width):
    return max(8, min(width // 16, 32))


def read_timecode(luma):
    """The milliseconds a picture's strip says; `luma` is a 2-dimensional array."""
    size = square_size(luma.shape[1])
    value = 0
    for bit in range(32):
        row, column = divmod(bit, 16)
        if luma[row * size + size // 2, column * size + size // 2] >= 128:
            value |= 1 << bit
    return value


def age_ms(luma, now=None):
    """How old a picture is by its strip, wrapped into plus or minus 24 days."""
    moment = int((time.time() if now is None else now) * 1000)
    return ((moment - read_timecode(luma) + 2**31) % 2**32) - 2**31
