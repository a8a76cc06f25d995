"""What is written: durability, the log, checkpoints."""

from ..facts import Facts, Value
from ..rule import (
    GIB,
    MIB,
    Judgement,
    Rule,
    View,
    among,
    down,
    fine,
    propose,
    switched,
    up,
    within,
)
from ..words import size

WAL_MIN, WAL_MAX = 1 * GIB, 64 * GIB
REQUESTED_SHARE_MAX = 0.1
FULL_PAGES_SHARE_MAX = 0.3
PAGE_BYTES = 8192
_LOG = "PostgreSQL manual, Write Ahead Log: Settings"
_CHECKPOINTS = "PostgreSQL manual, Write Ahead Log: Checkpoints"
_LEVELS = ("minimal", "replica", "logical")


def _archive(view: View) -> Judgement:
    if view.text("archive_mode") == "off":
        return fine("the log is not archived by the server itself")
    library = view.facts.settings.get("archive_library")
    if view.text("archive_command") in {"", "(disabled)"} and not (library and library.value):
        return propose("off", "it is on without a command: every file of the log is kept for ever")
    return fine("the log is archived by a command or a library")


def _max_wal(view: View) -> Judgement:
    now = view.number("max_wal_size")
    requested, timed = view.hourly("checkpoints.requested"), view.hourly("checkpoints.timed")
    if requested < 1 or requested <= REQUESTED_SHARE_MAX * (requested + timed):
        return fine(f"{requested:.1f} checkpoints an hour were requested, {timed:.1f} were timed")
    written = view.hourly("wal.bytes")
    between = 3 * written * view.number("checkpoint_timeout") / 3600
    wanted = up(min(max(between, WAL_MIN), WAL_MAX), 64 * MIB)
    if now >= wanted:
        return fine("it holds what is written; checkpoints were requested by peaks, or by hand")
    return propose(wanted, f"{requested:.1f} checkpoints an hour come for want of room in the log")


def _min_wal(view: View) -> Judgement:
    now, most = view.number("min_wal_size"), view.number("max_wal_size")
    wanted = max(down(most / 4, 16 * MIB), 2 * int(view.number("wal_segment_size")))
    if now > most / 2:
        return propose(wanted, "files of the log are kept that a checkpoint could remove")
    if now >= most / 8:
        return fine("it is a usual share of max_wal_size")
    if view.hourly("wal.bytes") < most:
        return fine("files of the log are made anew rarely")
    return propose(wanted, "files of the log are removed and made anew all the time")


def _compression(view: View) -> Judgement:
    if view.text("wal_compression") != "off":
        return fine("whole pages are compressed")
    written, pages = view.hourly("wal.bytes"), view.hourly("wal.full_pages")
    share = min(1.0, pages * PAGE_BYTES / max(written, 1))
    if written < 100 * MIB or share < FULL_PAGES_SHARE_MAX:
        return fine(f"{share:.0%} of {size(written)} an hour are whole pages")
    known = view.setting("wal_compression").choices
    return propose("lz4" if "lz4" in known else "pglz", f"{share:.0%} of the log are whole pages")


def _slots(view: View) -> Judgement:
    if view.number("max_slot_wal_keep_size") >= 0:
        return fine("what a slot may keep is limited")
    slots = view.state("replication.slots")
    if not slots:
        return fine("there is no slot")
    wanted = max(16 * GIB, 4 * up(view.number("max_wal_size"), MIB))
    return propose(wanted, f"one of {slots:.0f} slots that nobody reads can fill the disk")


def _checksums(_facts: Facts, _value: Value) -> tuple[str, ...]:
    return ("-- with the server stopped: pg_checksums --enable --pgdata DATA_DIRECTORY",)


RULES = (
    Rule(
        setting="fsync",
        title="What is committed is on the disk.",
        severity="risk",
        formula="on",
        source=_LOG,
        effect="no corrupt database after a crash of the machine; commits take longer",
        judge=switched("fsync", True, "a crash of the machine leaves a corrupt database"),
    ),
    Rule(
        setting="full_page_writes",
        title="A page that was written in half is made whole again.",
        severity="risk",
        formula="on",
        source=_LOG,
        effect="no torn page after a crash of the machine; more wal.bytes",
        judge=switched("full_page_writes", True, "a page torn by a crash stays torn"),
    ),
    Rule(
        setting="synchronous_commit",
        title="An order that was answered survives a crash.",
        severity="risk",
        formula="on, local, remote_write or remote_apply",
        source="PostgreSQL manual, Asynchronous Commit",
        effect="no acknowledged order is lost; commits take longer",
        judge=among(
            "synchronous_commit",
            *("local", "remote_write", "remote_apply"),
            wanted="on",
            why="orders of the last moments before a crash are answered, and gone",
        ),
    ),
    Rule(
        setting="data_checksums",
        title="A page that the disk has changed is noticed.",
        severity="risk",
        formula="on",
        source="PostgreSQL manual, Data Checksums",
        effect="a changed page is an error, not a wrong answer",
        judge=switched("data_checksums", True, "a page that the disk has changed is read as it is"),
        statement=_checksums,
    ),
    Rule(
        setting="wal_level",
        title="The log is enough for backups and replicas.",
        severity="risk",
        formula="replica or logical",
        source=_LOG,
        effect="a base backup and a restore to a moment are possible",
        judge=among("wal_level", "logical", wanted="replica", why="no backup can be taken online"),
    ),
    Rule(
        setting="max_wal_senders",
        title="Backups and replicas can connect.",
        severity="risk",
        formula="3 or more",
        source="PostgreSQL manual, Replication: Sending Servers",
        effect="a base backup beside an archive and a replica is possible",
        judge=within("max_wal_senders", 3, 1e9, wanted=10, why="a backup beside others is refused"),
    ),
    Rule(
        setting="archive_mode",
        title="The server's own archiving has somewhere to archive to.",
        severity="risk",
        formula="off, or with archive_command or archive_library",
        source="PostgreSQL manual, Continuous Archiving: Setting Up WAL Archiving",
        effect="the log does not fill the disk",
        judge=_archive,
    ),
    Rule(
        setting="checkpoint_timeout",
        title="Checkpoints are neither all the time nor hours apart.",
        severity="hint",
        formula="from 5 min to 1 h",
        source=_CHECKPOINTS,
        effect="fewer full_pages, or a shorter recovery",
        judge=within(
            "checkpoint_timeout", 300, 3600, wanted=900.0, why="too many whole pages, or too long"
        ),
    ),
    Rule(
        setting="checkpoint_completion_target",
        title="A checkpoint is spread over the time that it has.",
        severity="hint",
        formula="from 0.7 to 0.95",
        source=_CHECKPOINTS,
        effect="no burst of writes; p99 falls",
        judge=within(
            "checkpoint_completion_target", 0.7, 0.95, wanted=0.9, why="writes come in bursts"
        ),
    ),
    Rule(
        setting="max_wal_size",
        title="Checkpoints come by the clock, not for want of room.",
        severity="hint",
        formula="3 x the log of one checkpoint_timeout, from 1 GB to 64 GB, where more than one"
        " checkpoint an hour, and a tenth of them, were requested",
        source=_CHECKPOINTS,
        effect="checkpoints.requested falls, and full_pages with it",
        judge=_max_wal,
    ),
    Rule(
        setting="min_wal_size",
        title="Files of the log are used again.",
        severity="hint",
        formula="max_wal_size / 4; judged above 1/2, and below 1/8 where the log turns over in an"
        " hour",
        source=_CHECKPOINTS,
        effect="fewer new files of the log, or a smaller log at rest",
        judge=_min_wal,
    ),
    Rule(
        setting="wal_compression",
        title="Whole pages in the log are compressed where they are much of it.",
        severity="hint",
        formula="lz4 if built in, else pglz, where 30 % of 100 MB an hour are whole pages",
        source=_LOG,
        effect="wal.bytes falls; some more CPU",
        judge=_compression,
    ),
    Rule(
        setting="max_slot_wal_keep_size",
        title="A replica that is gone does not fill the disk.",
        severity="risk",
        formula="4 x max_wal_size, 16 GB or more, where there is a slot",
        source="PostgreSQL manual, Replication: Sending Servers",
        effect="the log has an upper bound; a reader that is away for longer must begin anew",
        judge=_slots,
    ),
)
