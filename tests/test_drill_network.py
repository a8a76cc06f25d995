"""The network between clients and server is broken by a proxy, and heals however the tool ends."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from conftest import eventually

from stockops import proxy
from stockops.drills.faults import FAULTS, Args, Fault, Spot
from stockops.drills.undoing import Undo
from stockops.engine import connect
from stockops.errors import ConfigError, StockopsError
from stockops.lab import Lab
from stockops.targets import Target

ARGS: Mapping[str, Args] = {
    "network_latency": {"ms": 30, "jitter_ms": 10},
    "network_loss": {"share": 0.5, "rto_ms": 20},
    "black_hole": {},
    "connections_reset": {},
    "connections_refused": {},
    "lost_reply": {"count": 1, "statement": "INSERT INTO sent"},
    "lost_request": {"count": 1, "statement": "INSERT INTO sent"},
}
BITES_S = 60.0


@contextmanager
def ground(lab: Lab, target: Target, folder: Path) -> Iterator[Spot]:
    """A spot with a proxy before `target`, which has a table to write to."""
    upstream = proxy.server_of(target.url)
    (folder / "proxy").mkdir()
    with (
        Undo.begin("network", folder=folder, within_s=300) as undo,
        proxy.start(upstream, engine=lab.engine, folder=folder / "proxy", seed=3) as made,
        connect(target) as direct,
    ):
        direct.execute("CREATE TABLE sent (n INTEGER PRIMARY KEY)")
        yield Spot(
            lab=lab,
            target=target,
            front=made.before(target),
            folder=folder,
            undo=undo,
            proxy=made,
        )


def broken(fault: Fault, spot: Spot) -> str:
    """Inject `fault`, and have clients come until it bites; return what shows it."""
    spot.args = ARGS[fault.name]
    fault.needs(spot.engine, spot.args)
    fault.inject(spot, fault.drivers[0].name)

    def bites() -> str | None:
        with suppress(StockopsError):
            send(spot.front, 1)
        return fault.bites(spot)

    said = eventually(bites, BITES_S)
    assert said is not None
    return said


def send(target: Target, number: int) -> None:
    with connect(target, connect_timeout_s=1, statement_timeout_s=1) as client:
        client.execute(f"INSERT INTO sent VALUES ({number})")


def healed(spot: Spot) -> bool:
    assert spot.proxy is not None
    with connect(spot.front) as client:
        client.execute("DELETE FROM sent")
    return proxy.in_force(spot.proxy.control) == []


def test_a_network_that_is_broken_shows_it_and_is_healed(
    lab: Lab, target: Target, tmp_path: Path
) -> None:
    with ground(lab, target, tmp_path) as spot:
        for name in ARGS:
            fault = FAULTS[name]
            assert broken(fault, spot), name
            fault.lift(spot)
            fault.lift(spot)  # also after an injection that failed
            assert spot.undo.run() == [], name
            assert healed(spot), name

            fault.inject(spot, "proxy")
            done = spot.undo.run()  # as the guardian does it
            assert [each.outcome for each in done] == ["undone"], name
            assert healed(spot), name
            fault.lift(spot)


def test_a_lost_answer_leaves_the_row_and_a_lost_request_does_not(
    lab: Lab, target: Target, tmp_path: Path
) -> None:
    with ground(lab, target, tmp_path) as spot, connect(spot.target) as direct:
        for number, (name, is_there) in enumerate(
            {"lost_reply": True, "lost_request": False}.items()
        ):
            fault = FAULTS[name]
            spot.args = ARGS[name]
            fault.inject(spot, "proxy")
            assert fault.bites(spot) is None
            with pytest.raises(StockopsError):
                send(spot.front, number)
            assert fault.bites(spot)
            rows = direct.rows("SELECT n FROM sent WHERE n = %(n)s", {"n": number})
            assert bool(rows) is is_there, name
            fault.lift(spot)


@pytest.mark.parametrize(
    ("fault", "args"),
    [
        ("network_latency", {"ms": "soon"}),
        ("network_latency", {"way": "sideways"}),
        ("network_loss", {"share": 2}),
        ("black_hole", {"ms": 10}),
        ("connections_reset", {"whom": "me"}),
        ("connections_refused", {"share": 1}),
        ("lost_reply", {"statement": "("}),
        ("lost_request", {"count": -1}),
    ],
)
def test_arguments_that_make_no_toxic_are_said(fault: str, args: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        FAULTS[fault].needs("postgresql", args)


def test_without_a_proxy_no_network_is_broken(lab: Lab, target: Target, tmp_path: Path) -> None:
    with Undo.begin("none", folder=tmp_path, within_s=60) as undo:
        spot = Spot(lab=lab, target=target, front=target, folder=tmp_path, undo=undo)
        with pytest.raises(ConfigError, match="no proxy"):
            FAULTS["black_hole"].inject(spot, "proxy")
        assert undo.run() == []
