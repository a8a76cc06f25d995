"""The exchange's site, which is a small one of our own on the loopback here."""

import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from krx_site import LOGIN_ID, LOGIN_PASSWORD, Row, Site, rows, serve

from stockops.errors import ConfigError, Refused, StockopsError, Unreachable, Unsupported
from stockops.listing import krx
from stockops.market import check_digit

# The interpreter of an environment with pykrx, where the one that runs the tests has none.
PYTHON = os.environ.get("STOCKOPS_KRX_PYTHON")
ON = date(2025, 1, 2)

needs_pykrx = pytest.mark.skipif(
    not PYTHON and importlib.util.find_spec("pykrx") is None and "CI" not in os.environ,
    reason="pykrx is not installed, and STOCKOPS_KRX_PYTHON names no interpreter that has it",
)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Site]:
    monkeypatch.setenv("STOCKOPS_KRX_PYTHON", PYTHON or sys.executable)
    monkeypatch.setenv("STOCKOPS_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("KRX_ID", raising=False)
    monkeypatch.delenv("KRX_PW", raising=False)
    with serve() as site:
        monkeypatch.setenv("STOCKOPS_KRX_URL", site.url)
        yield site


@needs_pykrx
def test_the_listing_of_a_day(site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    listing = krx.read(ON)
    assert len(listing.issues) == 961
    assert {issue.origin for issue in listing.issues} == {"krx"}
    assert sum(issue.status == "halted" for issue in listing.issues) == 19
    assert sum(issue.kind == "preferred" for issue in listing.issues) == 113
    assert site.data_requests == 1
    assert capfd.readouterr() == ("", "")


@needs_pykrx
def test_a_member_logs_in_and_nothing_of_the_login_is_shown(
    site: Site, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    site.members_only = True
    monkeypatch.setenv("KRX_ID", LOGIN_ID)
    monkeypatch.setenv("KRX_PW", LOGIN_PASSWORD)
    assert len(krx.read(ON).issues) == 961
    assert capfd.readouterr() == ("", "")


@needs_pykrx
def test_a_wrong_password_is_tried_a_few_times_at_most(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.members_only = True
    monkeypatch.setenv("KRX_ID", "somebody-else")
    monkeypatch.setenv("KRX_PW", LOGIN_PASSWORD)
    with pytest.raises(ConfigError, match="not logged in") as caught:
        krx.read(ON)
    assert LOGIN_PASSWORD not in str(caught.value)
    assert sum(path.endswith("MDCCOMS001D1.cmd") for path in site.asked) <= 2


def logged_out(site: Site) -> None:
    site.members_only = True


def forbidden(site: Site) -> None:
    site.status, site.body = 403, "<html>Forbidden</html>"


def block_page(site: Site) -> None:
    site.body = "<html><body>비정상적인 대량 조회로 이용이 제한됩니다</body></html>"


def maintenance_page(site: Site) -> None:
    site.body = "<html><body>시스템 점검 중입니다</body></html>"


def no_rows(site: Site) -> None:
    site.rows = []


def no_prices(site: Site) -> None:
    site.rows = [row | {"TDD_CLSPRC": "-", "MKTCAP": "-"} for row in site.rows]


def ten_rows(site: Site) -> None:
    site.rows = site.rows[:10]


def a_renamed_column(site: Site) -> None:
    site.rows = [
        {("CLSPRC" if name == "TDD_CLSPRC" else name): cell for name, cell in row.items()}
        for row in site.rows
    ]


def another_key(site: Site) -> None:
    site.body = '{"output": []}'


def cut_json(site: Site) -> None:
    site.body = '{"OutBlock_1": [{"ISU_SRT_CD": "00'


def a_duplicate(site: Site) -> None:
    site.rows = [*site.rows, site.rows[0]]


def a_wrong_isin(site: Site) -> None:
    def wrong(row: Row) -> Row:
        body = row["ISU_CD"][:-1]
        return row | {"ISU_CD": f"{body}{(check_digit(body) + 1) % 10}"}

    site.rows = [wrong(site.rows[0]), *site.rows[1:]]


def one_zero_price(site: Site) -> None:
    site.rows = [site.rows[0] | {"TDD_CLSPRC": "0"}, *site.rows[1:]]


def a_strange_number(site: Site) -> None:
    site.rows = [site.rows[0] | {"LIST_SHRS": "5.9E9"}, *site.rows[1:]]


def worthless(site: Site) -> None:
    site.rows = [row | {"MKTCAP": "0"} for row in site.rows]


def an_error(site: Site) -> None:
    site.status, site.body = 500, "<html>oops</html>"


@needs_pykrx
@pytest.mark.parametrize(
    ("spoil", "kind", "cause"),
    [
        pytest.param(logged_out, ConfigError, "not logged in", id="not logged in"),
        pytest.param(forbidden, Refused, "blocked", id="403"),
        pytest.param(block_page, Refused, "blocked", id="a block page"),
        pytest.param(maintenance_page, Unsupported, "shape changed", id="maintenance"),
        pytest.param(no_rows, ConfigError, "holiday", id="no rows"),
        pytest.param(a_renamed_column, Unsupported, "TDD_CLSPRC", id="a renamed column"),
        pytest.param(another_key, Unsupported, "OutBlock_1", id="another key"),
        pytest.param(cut_json, Unsupported, "shape changed", id="cut JSON"),
        pytest.param(an_error, Unreachable, "500", id="a server error"),
    ],
)
def test_each_failure_has_its_name(
    site: Site,
    spoil: Callable[[Site], None],
    kind: type[StockopsError],
    cause: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    spoil(site)
    with pytest.raises(kind, match=cause) as caught:
        krx.read(ON)
    assert caught.value.hint
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("spoil", "kind", "cause"),
    [
        pytest.param(no_prices, ConfigError, "holiday", id="a holiday has rows and no prices"),
        pytest.param(ten_rows, Unsupported, "10 issues", id="ten rows"),
        pytest.param(a_duplicate, Unsupported, "already", id="a duplicate"),
        pytest.param(a_wrong_isin, Unsupported, "check digit", id="a wrong ISIN"),
        pytest.param(one_zero_price, Unsupported, "closed at 0 won", id="one price is zero"),
        pytest.param(a_strange_number, Unsupported, "5.9E9", id="a strange number"),
        pytest.param(worthless, Unsupported, "worth nothing", id="worth nothing"),
    ],
)
def test_rows_that_cannot_be_a_listing_are_refused(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    spoil: Callable[[Site], None],
    kind: type[StockopsError],
    cause: str,
) -> None:
    """What the child hands over is judged by us; a child quicker than pykrx hands it over."""
    site = Site(rows())
    spoil(site)
    (tmp_path / "rows").write_text(json.dumps({"rows": site.rows}), "utf-8")
    quick = tmp_path / "python"
    quick.write_text(f"#!/bin/sh\nexec cat '{tmp_path / 'rows'}'\n")
    quick.chmod(0o755)
    monkeypatch.setenv("STOCKOPS_KRX_PYTHON", str(quick))
    with pytest.raises(kind, match=cause) as caught:
        krx.read(ON)
    assert caught.value.hint


@needs_pykrx
def test_no_network(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKOPS_KRX_URL", "http://127.0.0.1:1")
    with pytest.raises(Unreachable, match="no network"):
        krx.read(ON)
    monkeypatch.setenv("KRX_ID", LOGIN_ID)
    monkeypatch.setenv("KRX_PW", LOGIN_PASSWORD)
    with pytest.raises(Unreachable, match="no network"):
        krx.read(ON)


@needs_pykrx
def test_a_site_that_stalls_is_given_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.stall_s = 3.0
    monkeypatch.setenv("STOCKOPS_KRX_REQUEST_S", "0.5")
    with pytest.raises(Unreachable, match="timeout"):
        krx.read(ON)


def test_a_child_that_hangs_is_ended(site: Site) -> None:
    began = time.monotonic()
    with pytest.raises(Unreachable, match="nothing for"):
        krx.read(ON, timeout_s=0.01)
    assert time.monotonic() - began < 10


@needs_pykrx
def test_a_block_is_respected_for_a_day(site: Site, tmp_path: Path) -> None:
    forbidden(site)
    with pytest.raises(Refused, match="blocked"):
        krx.read(ON)
    asked = len(site.asked)
    with pytest.raises(Refused, match="left alone until") as caught:
        krx.read(ON)
    assert len(site.asked) == asked
    stamp = tmp_path / "state" / "krx-blocked"
    assert str(stamp) in (caught.value.hint or "")
    site.status, site.body = 200, None
    day_ago = time.time() - 24 * 3600 - 1
    os.utime(stamp, (day_ago, day_ago))
    assert krx.read(ON).issues


def test_without_pykrx_it_says_how_to_get_it(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)
    monkeypatch.setenv("STOCKOPS_KRX_PYTHON", str(bare))
    with pytest.raises(Unsupported, match="pykrx is not installed") as caught:
        krx.read(ON)
    assert "pip install 'stockops[krx]'" in (caught.value.hint or "")
    assert not site.asked


def test_an_interpreter_that_is_not_there(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKOPS_KRX_PYTHON", "/no/such/python")
    with pytest.raises(Unsupported, match="/no/such/python"):
        krx.read(ON)
