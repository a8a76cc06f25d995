"""What an answer says about itself: is the server up, what did each collector cost."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..engine.reasons import REASONS, Reason
from .asking import Result
from .context import Names
from .families import Family, by, one

# The community's words for the same, by engine: up, collector's success, collector's duration.
_THEIRS = {
    "postgresql": (
        "pg_up",
        "pg_scrape_collector_success",
        "pg_scrape_collector_duration_seconds",
    ),
    "mariadb": (
        "mysql_up",
        "mysql_exporter_collector_success",
        "mysql_exporter_collector_duration_seconds",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scraped:
    """What a scrape came to, by the time the answer was due."""

    reason: Reason
    results: Sequence[Result]
    missing: Sequence[str]
    open_breakers: Mapping[str, bool]
    connections: int
    took_s: float


def paused(is_paused: bool) -> Family:
    """Return the family about the stop file."""
    text = "1 while the stop file is there and no server is asked."
    return one("stockops_exporter_paused", "gauge", text, is_paused)


def families(scraped: Scraped, *, engine: str, names: Names) -> Iterable[Family]:
    """Return the families about `scraped`, with the community's names unless `names` is strict."""
    up = scraped.reason == "ok"
    success: dict[str, float | None] = {each.collector: each.succeeded for each in scraped.results}
    success |= dict.fromkeys(scraped.missing, 0)
    took: dict[str, float | None] = {each.collector: each.took_s for each in scraped.results}
    yield one("stockops_up", "gauge", "1 if this scrape logged in and was answered.", up)
    yield by(
        "reason",
        "stockops_up_reason",
        "gauge",
        "1 for what became of the login, 0 for the rest of the closed set.",
        {reason: reason == scraped.reason for reason in REASONS},
    )
    yield one(
        "stockops_exporter_connections",
        "gauge",
        "Connections to the target that are open, or may still be.",
        scraped.connections,
    )
    yield one(
        "stockops_exporter_scrape_duration_seconds",
        "gauge",
        "How long this answer took.",
        scraped.took_s,
    )
    yield from _collectors(scraped, success, took)
    if names != "strict":
        yield from _theirs(engine, up, success, took)
    if names != "strict" and engine == "postgresql":
        error = not (up and all(success.values()))
        yield one("pg_exporter_last_scrape_error", "untyped", "1 if a part is missing.", error)
        yield one(
            "pg_exporter_last_scrape_duration_seconds",
            "untyped",
            "How long this answer took.",
            scraped.took_s,
        )


def _collectors(
    scraped: Scraped, success: Mapping[str, float | None], took: Mapping[str, float | None]
) -> Iterable[Family]:
    prefix = "stockops_exporter_collector"
    yield by("collector", f"{prefix}_success", "gauge", "1 if it gave all it has.", success)
    yield by("collector", f"{prefix}_duration_seconds", "gauge", "How long it took.", took)
    yield by(
        "collector",
        f"{prefix}_last_run_timestamp_seconds",
        "gauge",
        "When it gave the values that are here; the slow ones run in the background.",
        {each.collector: each.at for each in scraped.results if each.succeeded},
    )
    yield by(
        "collector",
        f"{prefix}_open_circuit",
        "gauge",
        "1 while it is left alone after failing again and again.",
        dict(scraped.open_breakers),
    )


def _theirs(
    engine: str, up: bool, success: Mapping[str, float | None], took: Mapping[str, float | None]
) -> Iterable[Family]:
    their_up, their_success, their_duration = _THEIRS[engine]
    yield one(their_up, "untyped", "1 if this scrape logged in and was answered.", up)
    yield by("collector", their_success, "untyped", "1 if it gave all it has.", success)
    yield by("collector", their_duration, "untyped", "How long it took.", took)
