"""The statements that are shown change seldom, and nothing of any is lost or counted twice."""

from collections.abc import Iterator
from typing import Any

import pytest
from community import our_scrapes, series
from hypothesis import given
from hypothesis import strategies as st

from stockops.engine import connect
from stockops.exporter.ranking import ranked
from stockops.exporter.values import number
from stockops.targets import Target

STEPS = st.lists(
    st.dictionaries(st.sampled_from("abcdefghij"), st.integers(0, 1000), max_size=10),
    min_size=1,
    max_size=8,
)


@given(STEPS, st.integers(1, 4))
def test_all_that_is_added_is_in_a_shown_series_or_in_the_rest(
    steps: list[dict[str, int]], most: int
) -> None:
    totals: dict[str, tuple[float, ...]] = {}
    memory: dict[str, Any] = {}
    rest_before = 0.0
    for step in steps:
        before = totals
        totals = {key: (before.get(key, (0.0,))[0] + step.get(key, 0),) for key in {*before, *step}}
        found = ranked(totals, by=0, most=most, memory=memory)
        shown = sum(totals[key][0] - before.get(key, (0.0,))[0] for key in found.shown)
        rest = (found.rest or (0.0,))[0]
        assert shown + rest - rest_before == sum(step.values())
        assert rest >= rest_before
        assert len(found.shown) == min(most, len(totals))
        rest_before = rest


def test_who_is_first_comes_in_and_who_was_in_stays_while_it_is_near() -> None:
    memory: dict[str, Any] = {}
    totals = {name: (float(100 - place),) for place, name in enumerate("abcdefgh")}
    assert [*ranked(totals, by=0, most=4, memory=memory).shown] == [*"abcd"]
    totals |= {"e": (190.0,), "f": (189.0,)}  # they grew; nobody else did
    assert {*ranked(totals, by=0, most=4, memory=memory).shown} == {*"efab"}
    totals |= {name: (totals[name][0] + 5,) for name in "gh"}  # not enough to be among the first
    assert {*ranked(totals, by=0, most=4, memory=memory).shown} == {*"efab"}


def test_a_counter_that_began_anew_counts_from_nothing() -> None:
    memory: dict[str, Any] = {}
    ranked({"a": (50.0,), "b": (40.0,)}, by=0, most=1, memory=memory)
    found = ranked({"a": (50.0,), "b": (3.0,)}, by=0, most=1, memory=memory)
    assert found.rest == (43.0,)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("ON", 1),
        ("off", 0),
        ("Disabled", 0),
        ("Connecting", 0),
        ("Primary", 1),
        ("non-Primary", 0),
        ("Disconnected", 0),
        ("0.250000", 0.25),
        ("-1", -1),
        ("18446744073709551615", 2**64 - 1),
        ("2026-01-02 03:04:05", 1767323045),
        ("Jan 02 03:04:05 2026 GMT", 1767323045),
        ("mysqld-bin.000123", 123),
        ("10.11.19-MariaDB", None),
        ("TLSv1.2,TLSv1.3", None),
        ("nan", None),
        ("1_000", None),
        ("", None),
        (None, None),
        (True, True),
    ],
)
def test_a_state_is_the_number_that_the_community_makes_of_it(
    text: str | bool | None, value: float | None
) -> None:
    assert number(text) == value


@pytest.fixture
def asked(target: Target) -> Iterator[Target]:
    with connect(target) as server:
        if target.engine == "postgresql":
            server.execute("CREATE EXTENSION pg_stat_statements")
        server.execute("CREATE TABLE canary_of_texts (n INT)")
        for _ in range(3):
            server.rows("SELECT n FROM canary_of_texts WHERE n = 4711")
        yield target


def test_no_statement_of_ours_is_counted_and_no_text_is_given(asked: Target) -> None:
    with our_scrapes(asked) as ours:
        ours.body()
        for context in ours.contexts.values():
            context.memory.clear()  # which of the statements are ours is asked once an hour
        said = ours.body().decode()
        numbers = {value for labels in calls(said).values() for value in labels}
        with connect(asked) as server:
            own = {str(row["number"]) for row in server.rows(OWN[asked.engine])}
    assert own
    assert numbers
    assert not own & numbers
    assert "canary_of_texts" not in said.replace('relname="canary_of_texts"', "").replace(
        'table="canary_of_texts"', ""
    )


def calls(said: str) -> dict[str, set[str]]:
    """Return the numbers of the statements in `said`, by metric."""
    return {
        name: {value for labels in found for key, value in labels if key in {"queryid", "digest"}}
        for name, found in series(said).items()
        if "statements" in name
    }


OWN = {
    "postgresql": "SELECT queryid AS number FROM pg_stat_statements(true)"
    " WHERE query LIKE '%stockops_document%'",
    "mariadb": "SELECT digest AS number"
    " FROM performance_schema.events_statements_summary_by_digest"
    " WHERE digest_text LIKE '%stockops_document%'",
}
