"""Tasks that are shared out to processes: their order, their totals, and what goes wrong."""

import os
import signal
from collections import Counter
from contextlib import closing

import pytest

from stockops import processes
from stockops.errors import ConfigError, StockopsError
from stockops.slow import sharing

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
