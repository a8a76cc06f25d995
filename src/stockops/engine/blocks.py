"""Lines to load, a block at a time."""

from collections.abc import Iterable, Iterator


def blocks(lines: Iterable[bytes], block_bytes: int) -> Iterator[bytes]:
    """Join items to blocks of about `block_bytes`: a call of a driver costs more than the copy."""
    block: list[bytes] = []
    held = 0
    for line in lines:
        block.append(line)
        held += len(line)
        if held >= block_bytes:
            yield b"".join(block)
            block, held = [], 0
    if block:
        yield b"".join(block)
