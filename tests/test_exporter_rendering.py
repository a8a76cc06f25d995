"""Families become text that Prometheus and OpenMetrics readers accept, whatever they hold."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from stockops.exporter import rendering
from stockops.exporter.families import Family, Number, by, one
from stockops.exporter.rendering import Piece, render


def read(pieces: list[Piece]) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return the series of `pieces` by name and labels; both formats hold the same."""
    found = []
    for parse, body in (
        (text_string_to_metric_families, render(pieces).body.decode()),
        (
            openmetrics.text_string_to_metric_families,
            render(pieces, form="openmetrics").body.decode(),
        ),
    ):
        samples = [sample for metric in parse(body) for sample in metric.samples]
        series = {(s.name, tuple(sorted(s.labels.items()))): s.value for s in samples}
        assert len(series) == len(samples)
        found.append({key: value for key, value in series.items() if not math.isnan(value)})
    assert found[0] == found[1]
    return found[0]


def test_a_name_of_the_community_gets_no_suffix() -> None:
    piece = Piece("x", [one("pg_stat_database_xact_commit", "untyped", "Commits.", 7)])
    assert read([piece])["pg_stat_database_xact_commit", ()] == 7
    assert "# TYPE pg_stat_database_xact_commit untyped" in render([piece]).body.decode()
    legacy = Piece("x", [one("pg_stat_database_xact_commit", "counter", "Commits.", 7)])
    assert read([legacy])["pg_stat_database_xact_commit", ()] == 7


def test_a_counter_beside_a_gauge_of_its_name_clashes_in_neither_format() -> None:
    both = [one("stockops_x", "gauge", "", 1), one("stockops_x_total", "counter", "", 2)]
    series = read([Piece("x", both)])
    assert (series["stockops_x", ()], series["stockops_x_total", ()]) == (1, 2)


def test_a_series_is_given_once_and_the_second_is_counted() -> None:
    first = by("a", "m", "gauge", "", {"1": 1, "2": 2})
    second = Family("m", "gauge", "", (((("a", "1"), ("b", None)), 9), ((("a", "3"),), 3)))
    answer = read([Piece("one", [first, one("n", "gauge", "", 1)]), Piece("two", [second])])
    assert answer["m", (("a", "1"),)] == 1
    assert answer["m", (("a", "3"),)] == 3
    assert answer["stockops_exporter_dropped_series", (("collector", "two"),)] == 1
    assert answer["stockops_exporter_dropped_series", (("collector", "one"),)] == 0
    assert answer["stockops_exporter_collector_series", (("collector", "one"),)] == 3


def test_a_null_is_absent_and_a_missing_label_is_none() -> None:
    family = Family("m", "gauge", "", (((("a", None),), 1), ((("a", "x"),), None)))
    answer = read([Piece("one", [family, one("empty", "gauge", "", None)])])
    assert answer["m", ()] == 1
    assert ("m", (("a", "x"),)) not in answer
    assert "empty" not in render([Piece("one", [one("empty", "gauge", "", None)])]).body.decode()


def test_what_cannot_be_written_is_left_out_and_counted() -> None:
    odd = [
        one("not a name", "gauge", "", 1),
        Family("m", "gauge", "", (((("a-b", "1"),), 1), ((("__x", "1"),), 1), ((("a", "1"),), 4))),
        Family("n", "gauge", "", (((("a", "1"), ("a", "2")), 1),)),
    ]
    answer = read([Piece("one", odd)])
    assert answer["m", (("a", "1"),)] == 4
    assert answer["stockops_exporter_dropped_series", (("collector", "one"),)] == 4


def test_too_many_series_become_an_exact_other_or_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rendering, "FAMILY_SERIES_MAX", 10)
    samples = tuple(((("table", f"t{n}"), ("kind", "heap")), n) for n in range(100))
    answer = read([Piece("one", [Family("m", "gauge", "", samples, fold=("table",))])])
    values = [value for (name, _), value in answer.items() if name == "m"]
    assert sum(values) == sum(range(100))
    assert len(values) <= 10
    assert answer["m", (("kind", "heap"), ("table", "other"))] == sum(range(95))
    assert answer["stockops_exporter_dropped_series", (("collector", "one"),)] == 0
    answer = read([Piece("one", [Family("m", "gauge", "", samples)])])
    assert answer["stockops_exporter_dropped_series", (("collector", "one"),)] == 90


def test_numbers_of_every_kind_are_written() -> None:
    values: dict[str, Number | None] = {
        "d": Decimal("1.50"),
        "big": 2**63,
        "t": True,
        "inf": math.inf,
        "minus": -math.inf,
    }
    answer = read([Piece("one", [by("a", "m", "gauge", "", values)])])
    assert answer["m", (("a", "d"),)] == 1.5
    assert answer["m", (("a", "big"),)] == 2**63
    assert answer["m", (("a", "inf"),)] == math.inf


TEXTS = st.one_of(st.none(), st.text(max_size=300))


@given(
    st.lists(st.tuples(st.lists(st.tuples(TEXTS, TEXTS), max_size=3), st.floats()), max_size=6),
    st.text(max_size=50),
)
def test_whatever_a_label_holds_both_formats_can_be_read(
    rows: list[tuple[list[tuple[str | None, str | None]], float]], said: str
) -> None:
    samples = tuple(
        (tuple((f"l{n}", text) for n, (_, text) in enumerate(labels)), value)
        for labels, value in rows
    )
    pieces = [Piece("one", [Family("m", "untyped", said, samples)])]
    for form in ("text", "openmetrics"):
        body = render(pieces, form=form).body.decode()
        said_twice = [line for line in body.split("\n") if line.startswith("m")]
        assert len(said_twice) == len({line.rpartition(" ")[0] for line in said_twice})
    read(pieces)
