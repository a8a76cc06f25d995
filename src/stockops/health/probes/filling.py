"""How fast a disk fills, from what was free at earlier looks: a small file in the state folder."""

from datetime import datetime, timedelta

from ... import filelock, state

EVERY_S = 600.0  # looks that are kept
KEPT = 1008  # a week of them
SPAN_S_MIN = 3600.0  # less says nothing of the days to come
LEFT_S_MAX = 10 * 365 * 86_400.0


def left_s(path: str, *, free_bytes: int, now: datetime) -> float | None:
    """
    Return in how many seconds `free_bytes` are used up, as the line through all looks has it.

    None where the disk does not fill, or an hour of looks is not there yet. The look is kept.
    """
    looks = _with(path, free_bytes, now)
    began, ended = looks[0][0], looks[-1][0]
    if ended - began < SPAN_S_MIN:
        return None
    slope = _slope(looks)
    if slope >= 0 or free_bytes / -slope > LEFT_S_MAX:
        return None
    return free_bytes / -slope


def _with(path: str, free_bytes: int, now: datetime) -> list[tuple[float, float]]:
    """Return the looks at `path` with this one; it is kept where the last one is old enough."""
    file = state.folder("disks") / state.file_name(path)
    at = now.timestamp()
    with filelock.hold(file.with_suffix(".lock"), what="the record of the disk"):
        since = (now - timedelta(seconds=KEPT * EVERY_S)).timestamp()
        known = [(float(t), float(b)) for t, b in state.read(file) or [] if since <= t < at]
        if not known or at - known[-1][0] >= EVERY_S:
            state.write(file, [*known, (at, free_bytes)])
    return [*known, (at, float(free_bytes))]


def _slope(looks: list[tuple[float, float]]) -> float:
    """Return the bytes a second by which what is free grows: least squares."""
    mean_t = sum(t for t, _ in looks) / len(looks)
    mean_b = sum(b for _, b in looks) / len(looks)
    over = sum((t - mean_t) * (b - mean_b) for t, b in looks)
    under = sum((t - mean_t) ** 2 for t, _ in looks)
    return over / under if under else 0.0
