"""
Numbers drawn by a hash: draw `i` of a stream depends on the seed, the stream and `i` alone.

So any part of the content can be made again, by another process and in another order, and comes
out the same on every machine and Python.
"""

import hashlib
import struct

_BLOCK = 512  # one call of the hash makes this many draws
_BYTES = 8


def draws(seed: int, stream: str, first: int, count: int) -> tuple[int, ...]:
    """Return draws `first` to `first + count - 1` of `stream`: 64 even bits each."""
    start, end = first // _BLOCK, (first + count - 1) // _BLOCK + 1
    size = _BLOCK * _BYTES
    raw = b"".join(
        hashlib.shake_128(f"{seed}/{stream}/{block}".encode()).digest(size)
        for block in range(start, end)
    )
    return struct.unpack_from(f"<{count}Q", raw, (first - start * _BLOCK) * _BYTES)


def draw(seed: int, stream: str, row: int) -> int:
    """Return draw `row` of `stream`."""
    return draws(seed, stream, row, 1)[0]


def shuffled(seed: int, stream: str, count: int) -> list[int]:
    """Return the numbers from 0 to `count - 1` in an order that the seed decides."""
    keys = draws(seed, stream, 0, count) if count else ()
    return sorted(range(count), key=keys.__getitem__)
