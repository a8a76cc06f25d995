"""The jobs of this machine: when each last began, succeeded and ended, and how often it is to."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from ...jobs import records
from ...jobs.records import Seen
from ..context import Context
from ..families import Family, Number, by

NAME = "jobs"


def read(context: Context) -> Iterable[Family]:
    """Give the figures of every job that is known here, whichever target it is about."""
    del context
    found = [records.look(name) for name in records.names()]
    return families([job for job in found if job is not None])


def families(jobs: Sequence[Seen]) -> list[Family]:
    """
    Return the figures of `jobs`. What is not known is absent: a job that never succeeded has no
    last success.
    """
    shapes: tuple[tuple[str, str, Callable[[Seen], Number | None]], ...] = (
        (
            "last_start_timestamp_seconds",
            "When the last run of the job began.",
            lambda job: _seconds(job.last_start_at),
        ),
        (
            "last_success_timestamp_seconds",
            "When the job last ended well.",
            lambda job: _seconds(job.last_success_at),
        ),
        (
            "last_completion_timestamp_seconds",
            "When the job last ended, well or not; later than its last success where not.",
            lambda job: _seconds(job.last_completion_at),
        ),
        (
            "last_duration_seconds",
            "How long the last run took that came to an end.",
            lambda job: job.last_duration_s,
        ),
        (
            "last_exit_code",
            "What the last run left with: 0 where that was a success, -1 where it was lost.",
            lambda job: 0 if job.state == "succeeded" else job.last_exit_code,
        ),
        (
            "expected_interval_seconds",
            "How often the job is to succeed.",
            lambda job: job.every_s,
        ),
        (
            "missed_timestamp_seconds",
            "When two runs in a row are missed, unless the job succeeds before.",
            lambda job: _seconds(job.missed_at),
        ),
    )
    return [
        by("job", f"stockops_job_{name}", "gauge", words, {job.job: ask(job) for job in jobs})
        for name, words, ask in shapes
    ]


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
