"""What a server exports: each metric with the labels of its series, read from a scrape."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from ..errors import ConfigError
from .verdicts import Verdict

Labels = frozenset[tuple[str, str]]

# Stands for a value that is not known yet: of a target's label, or of a series still to come.
ANY = "\0any"
# Prometheus puts these on everything that it scrapes, and makes these metrics itself.
TARGET_LABELS = ("instance", "job")
_OF_PROMETHEUS: dict[str, tuple[str, ...]] = {
    "up": (),
    "scrape_duration_seconds": (),
    "scrape_samples_scraped": (),
    "scrape_samples_post_metric_relabeling": (),
    "scrape_series_added": (),
    "ALERTS": ("alertname", "alertstate", "severity"),
    "ALERTS_FOR_STATE": ("alertname", "severity"),
}
_SERIES_MAX = 200_000


@dataclass(frozen=True, slots=True)
class Metric:
    """
    The series of one name.

    A label with an empty value is none to Prometheus: it is in `names`, and in no row.
    """

    names: frozenset[str]
    rows: tuple[Labels, ...]
    verdict: Verdict = Verdict.LIVES
    when: str = ""  # when it appears, where there is none yet


@dataclass(frozen=True, slots=True)
class Known:
    """Every metric that is there, or will be when what it is about happens."""

    metrics: dict[str, Metric]
    target: dict[str, str] = field(default_factory=dict)  # a target's labels, with their values

    def with_recorded(self, name: str, rows: Sequence[Labels], verdict: Verdict) -> "Known":
        """Return these and what a recording rule makes of them."""
        names = frozenset(label for row in rows for label, _ in row)
        added = Metric(names, tuple(rows), verdict, "what it is made of is there")
        return Known({**self.metrics, name: added}, self.target)


def known(
    exposition: str, *, target_labels: Iterable[str] = (), engine: str | None = None
) -> Known:
    """
    Read a scrape: text of Prometheus or OpenMetrics.

    `target_labels` are those that a scrape configuration adds besides instance and job. Metrics
    that our exporter has only in some state of the server (a replica's, a slot's) are known, too;
    with `engine`, only those of that engine. Raises `ConfigError` for a text that is no scrape.
    """
    target = dict.fromkeys((*TARGET_LABELS, *target_labels), ANY)
    metrics = {name: _symbolic(labels, target, "") for name, labels in _OF_PROMETHEUS.items()}
    for entry in _conditional():
        if engine in (None, entry.get("engine", engine)):
            for name in entry["names"]:
                metrics[name] = _symbolic(entry.get("labels", ()), target, entry["when"])
    found: dict[str, dict[Labels, frozenset[str]]] = {}
    for name, labels in _samples(exposition):
        own = {_beside(k, target): v for k, v in labels.items()}
        kept = frozenset({**target, **{k: v for k, v in own.items() if v}}.items())
        found.setdefault(name, {})[kept] = frozenset({*own, *target})
    for name, rows in found.items():
        metrics[name] = Metric(frozenset().union(*rows.values()), tuple(rows))
    if not found:
        raise ConfigError("the scrape has no metric in it", hint="Look at what answered there.")
    return Known(metrics, target)


def _beside(label: str, target: Mapping[str, str]) -> str:
    """Return what Prometheus calls a label that the target's own labels stand before."""
    return f"exported_{label}" if label in target else label


def _symbolic(labels: Iterable[str], target: Mapping[str, str], when: str) -> Metric:
    own = [_beside(label, target) for label in labels]
    row = frozenset({**target, **dict.fromkeys(own, ANY)}.items())
    verdict = Verdict.WAITS if when else Verdict.LIVES
    return Metric(frozenset(name for name, _ in row), (row,), verdict, when)


def _samples(exposition: str) -> Iterator[tuple[str, dict[str, str]]]:
    from prometheus_client import parser  # noqa: PLC0415
    from prometheus_client.openmetrics import parser as open_parser  # noqa: PLC0415

    is_open = exposition.rstrip().endswith("# EOF")
    read = (open_parser if is_open else parser).text_string_to_metric_families
    count = 0
    try:
        for family in read(exposition):
            for sample in family.samples:
                count += 1
                if count > _SERIES_MAX:
                    raise ConfigError(
                        f"the scrape has more than {_SERIES_MAX:,} series",
                        hint="Read one exporter, not a federation of them.",
                    )
                yield sample.name, sample.labels
    except (ValueError, IndexError, KeyError) as exc:
        raise ConfigError(
            f"that is no scrape: {exc}", hint="It should be what curl prints of /metrics."
        ) from exc


@cache
def _conditional() -> list[dict[str, Any]]:
    return _read("conditional.yaml")


@cache
def replaced() -> dict[str, str]:
    """Return what to write in place of names that exporters once had, or never had."""
    return {name: entry["instead"] for entry in _read("replaced.yaml") for name in entry["names"]}


def _read(name: str) -> list[dict[str, Any]]:
    import yaml  # noqa: PLC0415

    text = files(__package__).joinpath(name).read_text("utf-8")
    entries: list[dict[str, Any]] = yaml.safe_load(text)
    return entries
