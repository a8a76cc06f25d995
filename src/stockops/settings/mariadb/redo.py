"""The redo log, and how fast pages are written behind it."""

from ..rule import GIB, MIB, Judgement, Rule, View, fine, propose, up
from ..words import size

AGE_SHARE_MAX = 0.6
LOG_MIN, LOG_MAX = 96 * MIB, 16 * GIB
_CAPACITY = "MariaDB documentation, InnoDB Page Flushing"


def _log(view: View) -> Judgement:
    now, written = view.number("innodb_log_file_size"), view.hourly("status.innodb_os_log_written")
    wanted = up(min(max(written, LOG_MIN), LOG_MAX), 32 * MIB)
    if now >= wanted:
        return fine(f"it holds an hour: {size(written)}")
    return propose(wanted, f"{size(written)} an hour go round in {size(now)}")


def _capacity(view: View) -> Judgement:
    now, disk = view.number("innodb_io_capacity"), view.disk()
    if disk == "ssd" and now <= 200:
        return _slow(view)
    if disk == "hdd" and now > 400:
        return propose(200, "a spinning disk writes some 200 pages a second")
    return fine(f"it suits an {disk}")


def _slow(view: View) -> Judgement:
    """Judge whether pages on an ssd are written too late."""
    age = view.state("status.innodb_checkpoint_age")
    share = age / max(view.state("status.innodb_checkpoint_max_age"), 1)
    waits = view.hourly("status.innodb_buffer_pool_wait_free")
    if share < AGE_SHARE_MAX and waits < 1:
        return fine(f"pages are written in time: {share:.0%} of the redo log wait for them")
    wanted = int(min(1000, max(view.number("innodb_io_capacity_max"), 200)))
    return propose(wanted, f"{share:.0%} of the redo log, {waits:,.0f} waits an hour, for pages")


def _neighbors(view: View) -> Judgement:
    now, disk = view.number("innodb_flush_neighbors"), view.disk()
    if disk == "ssd" and now:
        return propose(0, "an ssd gains nothing by writing neighbours, and wears")
    if disk == "hdd" and not now:
        return propose(1, "a spinning disk writes neighbours in one move of its arm")
    return fine(f"it suits an {disk}")


RULES = (
    Rule(
        setting="innodb_log_file_size",
        title="The redo log holds an hour of writing.",
        severity="hint",
        formula="an hour of innodb_os_log_written, from 96 MB to 16 GB",
        source="MariaDB documentation, InnoDB Redo Log",
        effect="no burst of page writes; p99 falls; recovery takes longer",
        judge=_log,
    ),
    Rule(
        setting="innodb_io_capacity",
        title="Pages are written as fast as the disk can, and no faster.",
        severity="hint",
        formula="1000 on ssd where it is 200 or less, and 60 % of the redo log or one wait an hour"
        " are for pages; 200 on hdd where above 400",
        source=_CAPACITY,
        effect="innodb_buffer_pool_wait_free falls",
        judge=_capacity,
    ),
    Rule(
        setting="innodb_flush_neighbors",
        title="Neighbours of a page are written with it only where that is cheaper.",
        severity="waste",
        formula="0 on ssd, 1 on hdd",
        source=_CAPACITY,
        effect="fewer writes on ssd, fewer moves on hdd",
        judge=_neighbors,
    ),
)
