"""Tasks that are shared out to processes: their order, their totals, and what goes wrong."""

import os
import signal
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
import slowlogs

from stockops import processes
from stockops.errors import ConfigError, StockopsError
from stockops.slow import reading, report, sharing
from stockops.slow.reading import Reading

TASKS = range(40)


def _square(total: "Counter[int]", task: int) -> tuple[int, int]:
    total[task] += 1
    if task == -1:
        raise ConfigError("this is no task", hint="Give another.")
    if task == -2:
        os.kill(os.getpid(), signal.SIGKILL)
    return task, os.getpid()


@pytest.mark.parametrize("workers", [1, 3, 60])
def test_answers_come_in_order_and_every_task_is_in_one_total(workers: int) -> None:
    whole = Counter[int]()
    answers = sharing.shared(_square, TASKS, workers=workers, total=Counter[int], add=whole.update)
    told = list(answers)
    assert [task for task, _ in told] == list(TASKS)
    assert whole == Counter(TASKS)
    assert os.getpid() not in {pid for _, pid in told}


@pytest.mark.parametrize(
    ("task", "error", "words"),
    [(-1, ConfigError, "this is no task"), (-2, StockopsError, "was ended")],
    ids=["raises", "is killed"],
)
def test_what_goes_wrong_in_a_process_is_told_and_leaves_none(
    task: int, error: type[StockopsError], words: str
) -> None:
    before = processes.below(os.getpid())
    answers = sharing.shared(
        _square, [*TASKS, task, *TASKS], workers=2, total=Counter[int], add=lambda _: None
    )
    with closing(answers), pytest.raises(error, match=words) as told:
        list(answers)
    assert told.value.hint
    assert processes.below(os.getpid()) == before


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_cut_that_was_guessed_wrong_is_found_out(jobs: int, tmp_path: Path) -> None:
    """A row that lost a quote leaves it open: for all that follows, within is without."""
    rows = slowlogs.csvlog(slowlogs.made_up(600))
    lost = rows.index(b'"', rows.index(b"duration", len(rows) // 5))
    path = tmp_path / "torn.csv"
    told: dict[bool, list[int]] = {True: [], False: []}
    found = {}
    for raw in (rows, rows[:lost] + rows[lost + 1 :]):
        path.write_bytes(raw)
        for guess, seen in told.items():
            seen.clear()
            read = Reading(files=(str(path),), piece_bytes=2000, range_bytes=9000, guess=guess)
            found[guess] = reading.digest(read, jobs=jobs, seen=seen.append)
            assert sum(seen) == len(raw)
        assert report.summary(found[True]) == report.summary(found[False])
        assert found[True].classes == found[False].classes
    assert min(told[True]) < 0 < min(told[False])  # what was read in vain counts for nothing
