"""The status page: what it shows, to whom it is safe, and that looking at it costs no scrape."""

import json
import re
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from html import unescape
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from browsing import PHONE, SCHEMES, browse, serving
from conftest import Labs, eventually

from stockops import health
from stockops.engine import open_server
from stockops.exporter import Manner, Source, Watch, Watches, render, watch
from stockops.exporter.connections import CONNECTIONS_MAX
from stockops.jobs.records import Seen
from stockops.lab import Lab
from stockops.overview import CheckSeen, Keeper, StoreSeen, TargetSeen, history, looking
from stockops.report.statuspage import render_status, spark
from stockops.slow.live import ClassRow
from stockops.slow.live.rows import BlockingRow
from stockops.targets import Config, Target

GROUNDS = {"light": "rgb(255, 255, 255)", "dark": "rgb(15, 20, 25)"}
EVIL = "</script><script>parent.hacked=1</script><img src=x onerror=parent.hacked=2>"
HARNESS = """<!doctype html><meta charset="utf-8"><body><pre id="found"></pre>
<iframe id="page" src="page.html" width="%d" height="900" style="border:0"></iframe><script>
addEventListener("load", () => setTimeout(() => {
  const inside = document.getElementById("page").contentWindow, page = inside.document;
  const all = (what) => [...page.querySelectorAll(what)];
  const found = {renewed: Number(page.documentElement.dataset.renewed || 0)};
  found.text = page.body.innerText;
  found.wide = all("body *").filter((each) => !each.closest(".scroll, svg")
    && each.getBoundingClientRect().right > inside.innerWidth + 0.5)
    .map((each) => each.outerHTML.slice(0, 80));
  found.needs = page.documentElement.scrollWidth; found.width = inside.innerWidth;
  found.ground = inside.getComputedStyle(page.body).backgroundColor;
  found.late = !page.getElementById("late").hidden;
  found.images = all("img").length;
  found.hacked = window.hacked ?? null;
  document.getElementById("found").textContent = JSON.stringify(found);
}, 20000));
</script></body>"""


def check(name: str, state: str, message: str = "said") -> CheckSeen:
    return CheckSeen(
        name=name, group="it", title=name, state=state, message=message, command="stockops x",
        states=("OK", "WARNING", state), values=(1.0, None, 5.0),
    )  # fmt: skip


def seen(*checks: CheckSeen, reason: str = "ok") -> TargetSeen:
    statement = ClassRow(
        class_id="it", calls=3, calls_per_s=1.0, total_s=1.0, share=0.5, mean_ms=333.0,
        row_count=1, pages_read=None, databases=("trading",), text=f"SELECT '{EVIL}'",
    )  # fmt: skip
    blocking = [
        BlockingRow(
            depth=depth, session_id=depth, login="kim", state="active", since_s=1.0,
            what="row of orders", waiting=2 - depth, text=EVIL,
        )
        for depth in (0, 1)
    ]  # fmt: skip
    return TargetSeen(
        name="prod", engine="mariadb", reason=reason, at_s=1.0, checks=checks,
        statements=(statement,), blocking=tuple(blocking), interval_s=3.0,
    )  # fmt: skip


@pytest.fixture
def page() -> str:
    store = StoreSeen(place="/backups", drill="", gaps=("pg-1: 0A missing",))
    job = Seen(
        job="nightly", state="failed", overdue=True, missed_at=None, every_s=60, last_start_at=None,
        last_success_at=None, last_completion_at=None, last_duration_s=None, last_exit_code=1,
        said=EVIL,
    )  # fmt: skip
    targets = [seen(check("fine", "OK"), check("books", "CRITICAL", EVIL)), seen(reason="refused")]
    return render_status(targets, store, [job], every_s=15)


def test_what_is_wrong_comes_first_and_says_what_next(page: str) -> None:
    assert page.index(">books<") < page.index(">fine<")
    assert "1 CRITICAL, 1 OK" in page
    assert '<code class="next">stockops x</code>' in page
    assert page.count("stockops x") == 1
    for words in ("No session: refused", "There is no backup", "never", "overdue", "0A missing"):
        assert words in page
    assert EVIL not in page


def test_the_policy_knows_the_one_script_and_the_one_style_by_their_hashes(page: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy
    assert "unsafe" not in policy[1]
    assert policy[1].count("sha256-") == 2
    assert not re.search(r"@import|url\(|(src|href)=\"?http| style=", page)


def test_a_history_is_a_line_of_values_over_its_states() -> None:
    drawn = spark(check("it", "CRITICAL"))
    assert [kind for _, _, kind in drawn.bars] == ["good", "warn", "bad"]
    assert drawn.points == "16.0,18.0 80.0,2.0"
    assert drawn.words == "3 looks: 1 to 5"
    assert (
        spark(CheckSeen(name="", group="", title="", state="OK", message="", command="")).bars == ()
    )


@pytest.fixture
def keep_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STOCKOPS_STATE", str(tmp_path / "state"))
    return tmp_path / "state" / "page"


def test_an_exporter_that_is_started_again_goes_on_with_the_history(
    engine: str, all_labs: Labs, keep_state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "INTERVAL_S", 0.1)
    url = all_labs.get(engine).url()
    said: list[str] = []
    for looks in (1, 2):
        keeper = Keeper(Watches(Source(own=url), Manner(), said.append), said.append)
        [target] = eventually(partial(seen_by, keeper))
        keeper.close()
        assert target.reason == "ok"
        assert {len(each.states) for each in target.checks} == {looks}
        assert all(each.states[-1] == each.state for each in target.checks)
    [file] = keep_state.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert not said


def seen_by(keeper: Keeper) -> list[TargetSeen]:
    found = keeper.targets()
    return found if all(each.at_s for each in found) else []


def test_a_history_is_bounded_and_written_seldom(
    keep_state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    kept = history.History("prod", said.append)
    for _ in range(history.LOOKS_KEPT + 40):
        [found] = kept.extended([check("it", "WARNING")], whole=True)
    assert found.states == ("WARNING",) * history.LOOKS_KEPT
    assert not keep_state.exists()
    monkeypatch.setattr(history, "KEPT_EVERY_S", 0)
    kept.extended([check("reachable", "CRITICAL")], whole=False)  # it is down: the others stay
    again = history.History("prod", said.append)
    [other] = again.extended([check("other", "OK")], whole=False)
    assert other.states == ("OK",)
    [found] = again.extended([check("it", "OK")], whole=True)
    assert (len(found.states), found.states[-2:]) == (history.LOOKS_KEPT, ("WARNING", "OK"))
    assert found.values[-2:] == (5.0, 5.0)
    [found] = again.extended([check("reachable", "OK")], whole=True)
    assert found.states == ("OK",)  # the look before was whole, and had none of it
    assert not said


@pytest.mark.parametrize(
    "held",
    ["{", "[]", '{"form": 2}', '{"form": 1, "checks": {"it": ["09", "1 2"]}}',
     '{"form": 1, "checks": {"it": ["00", "1"]}}', '{"form": 1, "checks": {"it": "000"}}'],
)  # fmt: skip
def test_a_history_that_cannot_be_read_begins_anew_and_says_so(held: str, keep_state: Path) -> None:
    keep_state.mkdir(parents=True)
    (keep_state / "prod.json").write_text(held)
    said: list[str] = []
    kept = history.History("prod", said.append)
    [found] = kept.extended([check("it", "OK")], whole=True)
    assert found.states == ("OK",)
    assert [line for line in said if "begins anew" in line] == said != []
    kept.close()
    [found] = history.History("prod", said.append).extended([check("it", "OK")], whole=True)
    assert found.states == ("OK", "OK")
    assert len(said) == 1


@contextmanager
def serve(folder: Path, *more: str) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "stockops", "exporter", "serve", "--listen", "127.0.0.1:0",
         "--config", str(folder / "stockops.yaml"), *more],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stderr
        found = re.search(r"http://\S+(?=/metrics)", process.stderr.readline())
        assert found
        yield found[0]
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_the_page_is_behind_the_login_of_the_exporter(tmp_path: Path) -> None:
    (tmp_path / "stockops.yaml").write_text(
        "targets: {gone: {url: 'postgresql://u@127.0.0.1:1/x'}}\ndefault: gone\n"
    )
    hashed = bcrypt.hashpw(b"word", bcrypt.gensalt(4)).decode()
    (tmp_path / "web.yml").write_text(f"basic_auth_users: {{kim: '{hashed}'}}\n")
    (tmp_path / "web.yml").chmod(0o600)
    with (
        serve(tmp_path, "--web-config", str(tmp_path / "web.yml")) as url,
        pytest.raises(urllib.error.HTTPError, match="401"),
    ):
        get(f"{url}/")


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return str(answer.read().decode())


def browsed(chromium: str, folder: Path, *, scheme: str, width: int) -> dict[str, Any]:
    """Return what a browser found in the page in `folder` that is the same for every page."""
    (folder / "index.html").write_text(HARNESS % width, "utf-8")
    with serving(folder) as url:
        done = browse(
            chromium, folder / "home", "--window-size=1400,900",
            f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}",
            "--virtual-time-budget=25000", "--dump-dom", f"{url}/index.html",
        )  # fmt: skip
    match = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    assert match
    found: dict[str, Any] = json.loads(unescape(match[1]))
    assert "Content Security Policy" not in done.stderr
    assert found["renewed"] >= 1
    assert not found["late"]
    assert found["wide"] == []
    assert found["needs"] <= found["width"] == width
    assert found["ground"] == GROUNDS[scheme]
    return found


def test_a_browser_shows_both_engines_and_renews_what_it_shows(
    chromium: str, all_labs: Labs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOCKOPS_STATE", str(tmp_path / "state"))
    urls = {engine: all_labs.get(engine).url() for engine in ("postgresql", "mariadb")}
    (tmp_path / "stockops.yaml").write_text(
        f"default: pg\ntargets: {{pg: {{url: '{urls['postgresql']}'}}, "
        f"my: {{url: '{urls['mariadb']}'}}, gone: {{url: 'postgresql://u@127.0.0.1:1/x'}}}}\n"
    )
    with serve(tmp_path) as url:

        def looked() -> str:
            text = get(f"{url}/")
            return "" if "Not looked at yet" in text else text

        (tmp_path / "page.html").write_text(eventually(looked, 90), "utf-8")
        assert "stockops_up 1" in get(f"{url}/metrics")
    found = browsed(chromium, tmp_path, scheme="light", width=1280)
    for words in ("pg postgresql", "my mariadb", "Who blocks whom", "No session: refused"):
        assert words in found["text"], words


def test_a_page_that_shows_hostile_text_runs_none_of_it(
    chromium: str, page: str, tmp_path: Path
) -> None:
    (tmp_path / "page.html").write_text(page, "utf-8")
    found = browsed(chromium, tmp_path, scheme="dark", width=PHONE)
    assert (found["hacked"], found["images"]) == (None, 0)


def watched(lab: Lab, manner: Manner) -> Watch:
    target = Target(name="it", url=lab.url(), lab=lab.name)
    return Watch(lambda: target, name="it", engine=lab.engine, manner=manner)


def test_who_looks_at_the_page_takes_no_connection_from_a_scrape(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scrape that logs in anew has a place for it, also while a page is made."""
    monkeypatch.setattr(watch, "LOGIN_EVERY_S", 0.0)
    it = watched(lab, Manner(slow_every_s=0.05))
    counts = []
    try:
        with it.guest() as (target, why):
            assert why == "ok"
            assert target
            session = open_server(target)
            for _ in range(5):
                text = render(it.scrape(within_s=20), form="text").body.decode()
                assert "\nstockops_up 1\n" in text
                found = re.search(r"^stockops_exporter_connections (\d+)", text, re.MULTILINE)
                assert found
                counts.append(int(found[1]))
            session.close()
    finally:
        it.close()
    assert max(counts) <= CONNECTIONS_MAX


def test_a_page_is_made_of_checks_statements_and_who_blocks_whom(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STOCKOPS_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(looking, "INTERVAL_S", 0.3)
    stop = tmp_path / "stop"
    it = watched(lab, Manner(stop_file=stop))
    try:
        checks = [each for each in health.load(None) if each.name in {"reachable", "connections"}]
        found = looking.look(it, checks, Config())
        assert found.reason == "ok"
        assert {each.name for each in found.checks} == {"reachable", "connections"}
        assert found.interval_s or found.note
        stop.touch()
        assert looking.look(it, checks, Config()).reason == "paused"
    finally:
        it.close()
    assert threading.active_count() < 50
