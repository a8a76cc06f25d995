"""What a crash may take, and what a restore needs."""

from ..facts import Facts, Value
from ..rule import Judgement, Rule, View, among, fine, propose, switched, within

_BINLOG = "MariaDB documentation, Replication and Binary Log System Variables"
_INNODB = "MariaDB documentation, InnoDB System Variables"


def _sync(view: View) -> Judgement:
    if not view.flag("log_bin"):
        return fine("there is no binary log")
    if view.number("sync_binlog") == 1:
        return fine("every commit is on the disk")
    return propose(
        1, "after a crash of the machine replicas and archives have what it lost, or less"
    )


def _format(view: View) -> Judgement:
    if not view.flag("log_bin"):
        return fine("there is no binary log")
    if view.text("binlog_format") in {"row", "mixed"}:
        return fine("what is replayed is what was done")
    return propose("ROW", "a statement replayed may do something else")


def _image(view: View) -> Judgement:
    if not view.flag("log_bin") or view.text("binlog_row_image") in {"full", "full_nodup"}:
        return fine("the log holds whole rows")
    return propose("FULL", "a mistake cannot be traced or undone from the log")


def _expire(view: View) -> Judgement:
    if not view.flag("log_bin"):
        return fine("there is no binary log")
    now = view.number("binlog_expire_logs_seconds")
    if 0 < now <= 90 * 86400:
        return fine("old files of the log are removed")
    return propose(7 * 86400, "the binary log grows until the disk is full")


def _method(view: View) -> Judgement:
    now = view.text("innodb_flush_method")
    if now in {"o_direct", "o_direct_no_fsync", "o_dsync"}:
        return fine("pages are cached once")
    risk = "is for tests" if now in {"nosync", "littlesync"} else "caches every page twice"
    return propose("O_DIRECT", f"{now} {risk}")


def _log_name(_facts: Facts, _value: Value) -> tuple[str, ...]:
    return ("log_bin = binlog",)  # `ON` would be the name of a file


RULES = (
    Rule(
        setting="innodb_flush_log_at_trx_commit",
        title="What is committed is on the disk.",
        severity="risk",
        formula="1",
        source="MariaDB documentation, InnoDB Redo Log",
        effect="no acknowledged order is lost; commits take longer",
        judge=within(
            *("innodb_flush_log_at_trx_commit", 1, 1),
            wanted=1,
            why="orders of the last second before a crash are answered, and gone",
        ),
    ),
    Rule(
        setting="innodb_doublewrite",
        title="A page that was written in half is made whole again.",
        severity="risk",
        formula="ON",
        source="MariaDB documentation, InnoDB Doublewrite Buffer",
        effect="no torn page after a crash of the machine; more writes",
        judge=switched("innodb_doublewrite", True, "a page torn by a crash stays torn"),
    ),
    Rule(
        setting="innodb_checksum_algorithm",
        title="A page that the disk has changed is noticed, whichever byte of it.",
        severity="risk",
        formula="full_crc32 or strict_full_crc32; tables that are there keep their form",
        source="MariaDB documentation, InnoDB File Format",
        effect="a changed page is an error, not a wrong answer",
        judge=among(
            *("innodb_checksum_algorithm", "strict_full_crc32"),
            wanted="full_crc32",
            why="parts of a page are not covered",
        ),
    ),
    Rule(
        setting="innodb_flush_method",
        title="Pages are written for certain, and cached once.",
        severity="risk",
        formula="O_DIRECT, O_DIRECT_NO_FSYNC or O_DSYNC",
        source=_INNODB,
        effect="memory for the buffer pool",
        judge=_method,
    ),
    Rule(
        setting="log_bin",
        title="There is a log for restores to a moment, and for replicas.",
        severity="risk",
        formula="ON",
        source="MariaDB documentation, Activating the Binary Log",
        effect="a restore to any moment is possible; commits write twice",
        judge=switched("log_bin", True, "a restore ends at the last backup"),
        line=_log_name,
    ),
    Rule(
        setting="sync_binlog",
        title="What is committed is in the binary log.",
        severity="risk",
        formula="1",
        source=_BINLOG,
        effect="replicas and archives agree with the server after a crash; commits take longer",
        judge=_sync,
    ),
    Rule(
        setting="binlog_format",
        title="What is replayed is what was done.",
        severity="risk",
        formula="ROW or MIXED",
        source="MariaDB documentation, Binary Log Formats",
        effect="replicas and restores agree with the server; a larger log",
        judge=_format,
    ),
    Rule(
        setting="binlog_row_image",
        title="The binary log holds rows as they were.",
        severity="hint",
        formula="FULL",
        source=_BINLOG,
        effect="a mistake can be traced and undone from the log; a larger log",
        judge=_image,
    ),
    Rule(
        setting="binlog_expire_logs_seconds",
        title="Old files of the binary log are removed.",
        severity="risk",
        formula="7 days, where it is never, or over 90 days",
        source=_BINLOG,
        effect="the log does not fill the disk; archive it before",
        judge=_expire,
    ),
    Rule(
        setting="default_storage_engine",
        title="New tables have transactions.",
        severity="risk",
        formula="InnoDB",
        source="MariaDB documentation, Choosing the Right Storage Engine",
        effect="no table that a crash corrupts and a backup tears",
        judge=lambda view: (
            fine("it is InnoDB")
            if view.text("default_storage_engine") == "innodb"
            else propose("InnoDB", "a table of another engine has no transactions")
        ),
    ),
    Rule(
        setting="innodb_file_per_table",
        title="A table that is dropped gives its space back.",
        severity="waste",
        formula="ON",
        source="MariaDB documentation, InnoDB File-Per-Table Tablespaces",
        effect="space is freed; one table can be brought back from a backup",
        judge=switched("innodb_file_per_table", True, "the shared file never shrinks"),
    ),
)
