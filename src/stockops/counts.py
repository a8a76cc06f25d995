"""How many of what, in words: ``1 gap``, ``2,000 gaps``."""


def of(count: int, one: str, many: str | None = None) -> str:
    """Return `count` and what it counts; `many` where that is not `one` with an s."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"
