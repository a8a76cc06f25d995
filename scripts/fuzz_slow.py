"""
Feed logs that somebody damaged to the readers of slow logs, and hold them to what they promise.

Whatever the bytes: no exception but a sentence for the user, no endless look, each byte accounted
for, and the same digest however the file is cut and whether entries are read one by one or by the
thousand. Needs atheris, which is no part of the locks: pip install --group fuzz

    python scripts/fuzz_slow.py --seconds 600
    python scripts/fuzz_slow.py crash-0a1b...      # one input again, that it wrote down
"""

import argparse
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]
atheris: Any = import_module("atheris")
with atheris.instrument_imports(include=["stockops.slow", "stockops.statements"]):
    from stockops.errors import ConfigError
    from stockops.slow import formats, report
    from stockops.slow.accounting import Account
    from stockops.slow.batches import Batch
    from stockops.slow.digest import Digest
    from stockops.slow.formats import Ends, Format, Piece
    from stockops.slow.formats.pgcsv import PgCsv

CHOICES_BYTES = 2
INPUT_BYTES_MAX = 4096
ONE_INPUT_SECONDS_MAX = 10
TOKENS = (
    "# User@Host: ", "# Time: ", "# Query_time: ", "SET timestamp=", "# administrator command: ",
    "LOG:  ", "DETAIL:  ", "STATEMENT:  ", "ERROR:  ", "duration: ", " ms  statement: ",
    " ms  plan:\\x0a", "execute <unnamed>: ", "parameters: $1 = ", "[1-1] ", "[1-2] ", "#011",
    "#012", "postgres[1]: ", " stderr P ", "Query\\x09", "Connect\\x09", "\\x0a\\x09", "\\xec\\x8b",
)  # fmt: skip


def digested(form: Format, parts: list[tuple[Format, Piece]], *, fast: bool) -> Digest:
    """Return the digest of `parts`, which follow each other."""
    whole, ends = Digest(dialect=form.dialect), Ends()
    for own, piece in parts:
        account, after = Account(), Ends()
        for told in (after.told if fast else after.parsed)(own, piece, account):
            if isinstance(told, Batch):
                whole.batch(told)
            else:
                whole.event(told)
        whole.account.add(account)
        for event in ends.then(after, whole.account):
            whole.event(event)
    for event in ends.close(whole.account):
        whole.event(event)
    return whole


def shown(digest: Digest) -> str:
    """Return all that a report says, examples of what was skipped apart."""
    about = report.summary(digest)
    about["skipped"] = None
    return repr((about, report.classes(digest, by="total"), list(report.findings(digest))))


def read(data: bytes) -> None:
    """
    Read `data` as a log: its first byte says how, the second where it is cut.

    A csvlog is not cut: a quote without its partner, which no server writes, turns within into
    without for all that follows, and a csv reader and a count of quotes disagree on where.
    """
    if len(data) <= CHOICES_BYTES:
        return
    names = (None, *formats.NAMES)
    named, raw = names[data[0] % len(names)], data[CHOICES_BYTES:]

    def form() -> Format:
        return formats.detect(raw, file="x", named=named)

    try:
        own = form()
    except ConfigError:
        return
    cut = own.start(raw, min(len(raw), data[1] * len(raw) // 255), len(raw))
    whole = digested(own, [(own, Piece("x", 0, raw))], fast=False)
    if whole.account.read_bytes != len(raw) or whole.account.skipped_bytes > len(raw):
        raise RuntimeError(f"{whole.account} of {len(raw)} bytes")
    said = shown(whole)
    halves = [(form(), Piece("x", 0, raw[:cut])), (form(), Piece("x", cut, raw[cut:]))]
    may_cut = not own.whole and not isinstance(own, PgCsv)
    if may_cut and said != shown(digested(own, halves, fast=False)):
        raise RuntimeError(f"cut at {cut} it says something else")
    again = form()
    if isinstance(again, formats.Columnar) and said != shown(
        digested(again, [(again, Piece("x", 0, raw))], fast=True)
    ):
        raise RuntimeError("by the thousand it says something else")


def seeds(folder: Path) -> None:
    """Write sound logs of each format, for the fuzzer to damage."""
    rows, logs = import_module("pgrows"), import_module("slowlogs")
    truth = logs.made_up(8)
    sound = [make(truth) for make in logs.FORMATS.values()]
    sound += [make(rows.apart(truth)) for make in rows.FORMATS.values()]
    sound.append(import_module("test_slow_general").MYSQL)
    for number, raw in enumerate(sound):
        for cut in (0, 80, 200):
            (folder / f"{number}-{cut}").write_bytes(bytes([0, cut]) + raw[: INPUT_BYTES_MAX - 2])


def main() -> None:
    """Run for so many seconds, or one input."""
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("input", nargs="*", help="an input that was written down")
    parse.add_argument("--seconds", type=int, default=600)
    chosen = parse.parse_args()
    with tempfile.TemporaryDirectory(prefix="fuzz-slow-") as place:
        corpus, words = Path(place) / "corpus", Path(place) / "words"
        corpus.mkdir()
        seeds(corpus)
        words.write_text("".join(f'"{each}"\n' for each in TOKENS))
        flags = [
            f"-max_total_time={chosen.seconds}", f"-timeout={ONE_INPUT_SECONDS_MAX}",
            f"-max_len={INPUT_BYTES_MAX}", f"-dict={words}", "-print_final_stats=1",
        ]  # fmt: skip
        inputs = chosen.input or [*flags, str(corpus)]
        atheris.Setup([sys.argv[0], *inputs], read)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
