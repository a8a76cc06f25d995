"""What a check of the books leaves for whoever watches them."""

import os
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from stockops import state
from stockops.books import record
from stockops.books.record import Record
from stockops.cli import main
from stockops.errors import StorageError
from stockops.targets import Target

NOW = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)


def test_a_record_comes_back_as_it_was() -> None:
    for target in ("prod", "postgresql://ops@db1:5432/trading?host=/run/x y", "거래", "../up"):
        said = Record(checked_at=NOW, held=25, violated=1, inconclusive=2, names=("cash",))
        path = record.write(target, said)
        assert path.parent == state.place() / "books"
        assert record.read(target) == said


def test_there_is_no_record_before_the_first_check() -> None:
    assert record.read("never") is None


@pytest.mark.parametrize("text", ["[]", "{}", '{"checked_at": "soon", "names": []}', "half"])
def test_a_file_that_is_no_record_says_how_to_remove_it(text: str) -> None:
    path = record.write("prod", Record(checked_at=NOW, held=1, violated=0, inconclusive=0))
    path.write_text(text, "utf-8")
    with pytest.raises(StorageError) as caught:
        record.read("prod")
    assert str(path) in (caught.value.hint or "")


def test_a_whole_check_is_kept_and_one_of_some_invariants_is_not(market: Target) -> None:
    asked = ["books", "check", "-t", market.url]
    CliRunner().invoke(main, [*asked, "--only", "cash"])
    assert record.read(market.url) is None
    assert CliRunner().invoke(main, asked).exit_code == 1  # nothing was traded: inconclusive
    found = record.read(market.url)
    assert found is not None
    assert (found.held > 0, found.violated, found.inconclusive > 0) == (True, 0, True)
    assert (datetime.now(UTC) - found.checked_at).total_seconds() < 3600


def test_a_check_that_cannot_be_kept_is_worth_no_less(
    market: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOCKOPS_STATE", os.devnull + "/no")
    done = CliRunner().invoke(main, ["books", "check", "-t", market.url])
    assert "invariants held" in done.output
    assert "note: not kept" in done.output
