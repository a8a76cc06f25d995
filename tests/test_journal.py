"""A client journal: what a crash leaves of it, and what it finds in a database."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from stockops import journal, orders, workload
from stockops.engine import connect
from stockops.errors import Busy, ConfigError
from stockops.journal import Audit, Header, Writer
from stockops.orders import Order, clock_of
from stockops.targets import Target
from stockops.workload import RunPlan
from stockops.workload.plan import OPENS_AT

Lines = list[list[Any]]


def header(run_id: str = "r1") -> Header:
    return Header(
        run_id=run_id,
        target="test",
        engine="postgresql",
        seed=1,
        clients=1,
        business_date=None,
        started_at=datetime.now(UTC).isoformat(),
        after_order_id=0,
        config={},
    )


def test_what_was_committed_is_read_back(tmp_path: Path) -> None:
    with journal.create(tmp_path / "j", header()) as book:
        writer = Writer(book.directory, 0)
        writer.add(['["o","k"]\n'])
        assert list(book.lines(0)) == []
        writer.commit()
        assert list(book.lines(0)) == [["o", "k"]]
        writer.add(['["a","k","삼성"]\n'])
        writer.close()
    assert list(journal.read_header(tmp_path / "j").lines(0)) == [["o", "k"], ["a", "k", "삼성"]]


@pytest.mark.parametrize("torn", ['["o","k', '["o","k2"]', "\x00\x00\x00\n", "["])
def test_a_torn_last_line_is_left_out(tmp_path: Path, torn: str) -> None:
    with journal.create(tmp_path / "j", header()):
        (tmp_path / "j" / "client-000.jsonl").write_text('["o","k1"]\n' + torn)
    assert list(journal.read_header(tmp_path / "j").lines(0)) == [["o", "k1"]]


def test_a_line_damaged_before_the_end_is_an_error(tmp_path: Path) -> None:
    with journal.create(tmp_path / "j", header()):
        (tmp_path / "j" / "client-000.jsonl").write_text('["o","k1"]\nx\n["o","k2"]\n')
    with pytest.raises(ConfigError, match="damaged at line 2"):
        list(journal.read_header(tmp_path / "j").lines(0))


def test_a_journal_is_never_written_twice(tmp_path: Path) -> None:
    with journal.create(tmp_path / "j", header()):
        pass
    with pytest.raises(ConfigError, match="not empty"), journal.create(tmp_path / "j", header()):
        pass


def test_a_journal_that_is_being_written_is_busy(tmp_path: Path) -> None:
    with journal.create(tmp_path / "j", header()), pytest.raises(Busy, match="is not over"):
        journal.read_header(tmp_path / "j")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": 1}', '{"format": 9}', '{"format": 1, "run_id": "a"}']
)
def test_what_is_no_header_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "journal.json").write_text(text)
    with pytest.raises(ConfigError):
        journal.read_header(tmp_path)


def test_a_directory_without_a_journal_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no journal"):
        journal.read_header(tmp_path)


def test_a_run_whose_name_is_not_plain_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigError, match="cannot be called"),
        journal.create(tmp_path / "j", header("x'; --")),
    ):
        pass


@contextmanager
def edited(directory: Path) -> Iterator[Lines]:
    """Give the lines of the first client; write them back changed."""
    path = directory / "client-000.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    yield lines
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def only(audit: Audit) -> dict[str, int]:
    return {what: count for what, count in audit.findings.items() if count}


def test_a_journal_is_paired_with_the_database(market: Target, tmp_path: Path) -> None:
    """One run, audited as it is and then with every kind of damage done to its journal."""
    whole = tmp_path / "whole"
    result = workload.run(market, RunPlan(clients=2, orders=200, journal=whole, seed=3, seal=False))
    assert result.failure is None
    with connect(market) as server:

        def after(name: str) -> Path:
            return Path(shutil.copytree(whole, tmp_path / name))

        clean = journal.audit(server, whole)
        assert clean.clean
        assert clean.intents == clean.acknowledged == result.orders
        assert clean.accepted == result.accepted
        assert clean.cancels == result.cancels > 0
        assert clean.cancels_unanswered == 0
        assert clean.resolved_committed == clean.resolved_absent == 0

        path = after("missing")
        with edited(path) as lines:
            key = lines[0][1][:-9] + "999999999"
            lines += [
                ["o", key, 1001, "005930", "buy", "market", None, 1],
                ["a", key, "filled", None, 123456789, 1],
            ]
        found = journal.audit(server, path)
        assert only(found) == {"missing": 1}
        assert [(x.key, x.order_id) for x in found.examples] == [(key, 123456789)]
        assert (found.missing_won, found.missing_s) == (
            0,
            None,
        )  # its line is of a journal of before
        assert not found.clean

        path = after("never sent")
        with edited(path) as lines:
            accepted = next(x for x in lines if x[0] == "a" and x[2] == "filled")
            lines[:] = [x for x in lines if x[1] != accepted[1]]
        found = journal.audit(server, path)
        assert only(found) == {"never_sent": 1}
        assert [(x.key, x.order_id) for x in found.examples] == [(accepted[1], accepted[4])]

        path = after("sent twice")
        with edited(path) as lines:
            lines.insert(1, lines[0])
        assert only(journal.audit(server, path)) == {"duplicate": 1}

        changes: dict[str, Callable[[list[Any]], list[Any]]] = {
            "filled more": lambda x: [*x[:5], x[5] + 1],
            "another order": lambda x: [*x[:4], x[4] + 1, x[5]],
            "rejected": lambda x: [*x[:2], "rejected", "halted", *x[4:]],
            "without a row": lambda x: [*x[:2], "rejected", "unknown_symbol", None, 0],
            "given up": lambda x: ["e", x[1], "40001"],
            "withdrawn": lambda x: ["w", x[1]],
        }
        for name, change in changes.items():
            path = after(name)
            with edited(path) as lines:
                at = next(n for n, x in enumerate(lines) if x[0] == "a" and x[2] == "filled")
                lines[at] = change(lines[at])
            assert only(journal.audit(server, path)) == {"contradictory": 1}, name

        path = after("another body")
        with edited(path) as lines:
            first = next(x for x in lines if x[0] == "o")
            first[7] += 1
        assert only(journal.audit(server, path)) == {"contradictory": 1}

        path = after("a cancel that was not")
        with edited(path) as lines:
            filled = next(x for x in lines if x[0] == "a" and x[2] == "filled")
            lines.append(["x", filled[1], filled[4], "cancelled", "cancelled"])
        assert only(journal.audit(server, path)) == {"missing": 1}

        path = after("a cancel of what is another order by now")
        with edited(path) as lines:
            made = next(x for x in lines if x[0] == "x" and x[3:5] == ["cancelled", "cancelled"])
            made[1] = lines[0][1]
        assert only(journal.audit(server, path)) == {"missing": 1}

        path = after("a cancel that was refused")
        with edited(path) as lines:
            lines.append(["x", lines[0][1], 10**12, "rejected", "unknown_order"])
        assert journal.audit(server, path).clean

        path = after("unanswered")
        with edited(path) as lines:
            answered = next(x for x in lines if x[0] == "a" and x[2] == "filled")
            lines.remove(answered)
            lines.append(
                ["o", lines[0][1][:-9] + "999999999", 1001, "005930", "buy", "market", None, 1]
            )
        found = journal.audit(server, path)
        assert found.clean
        assert (found.resolved_committed, found.resolved_absent) == (1, 1)

        path = after("numbers that were given again")
        said = json.loads((path / "journal.json").read_text())
        (path / "journal.json").write_text(json.dumps({**said, "after_order_id": 10**12}))
        assert journal.audit(server, path).clean

        path = after("one is settled, one is not")
        with edited(path) as lines:
            one, other = [x[1] for x in lines if x[0] == "a"][:2]
            lines[:] = [x for x in lines if x[:2] != ["a", other]]
            for key in (one, other):
                at = next(n for n, x in enumerate(lines) if x[:2] == ["o", key])
                lines.insert(at + 1, ["u", key, "08006"])
        found = journal.audit(server, path)
        assert (found.unknown, found.unknown_settled, found.clean) == (2, 1, True)

        path = after("a client's file is gone")
        (path / "client-001.jsonl").unlink()
        assert only(journal.audit(server, path)).keys() == {"never_sent"}

        path = after("nothing")
        for each in path.glob("client-*"):
            each.write_text("")
        found = journal.audit(server, path)
        assert found.intents == 0
        assert not found.clean

        with edited(whole) as lines:
            _, key, account, symbol, *_ = next(x for x in lines if x[0] == "o")
            number = next(x[4] for x in lines if x[:2] == ["a", key])
        account = next(n for n in (1001, 1002) if n != account)
        twin = orders.place(
            server,
            Order(key=key, account_id=account, symbol=symbol, side="buy", quantity=1),
            clock=clock_of(date(2025, 1, 3), OPENS_AT),
        )
        found = journal.audit(server, whole)
        assert found.findings["duplicate"] == 1
        [said] = [x for x in found.examples if x.what == "duplicate"]
        assert said.key == key
        assert all(f"order {n} " in said.found for n in (number, twin.order_id))
