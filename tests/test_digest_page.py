"""The page of a digest opens at once with 5,000 classes, and runs nothing that a log says."""

import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from browsing import PHONE, SCHEMES, browse, serving
from click.testing import CliRunner

from stockops.cli.main import main

CLASSES = 5_000
READY_MS_MAX = 8_000  # on two cores that eight others share; alone it is less than one second
EVIL = (
    "SELECT '<img src=x onerror=parent.hacked=1>', '</script><script>parent.hacked=2</script>',"
    " '\u2028parent.hacked=3//', '--><svg onload=parent.hacked=4>', '${parent.hacked=5}',"
    " 한글 FROM evil"
)
PLAN = (
    "Query Text: {sql}\n\tSeq Scan on evil  (cost=0.00..8.30 rows=1 width=4)"
    " (actual time=0.1..7.5 rows=4000 loops=1)\n\t  Filter: (a = '<b>')"
)
HARNESS = """<!doctype html><meta charset="utf-8"><body><pre id="found"></pre>
<iframe id="page" src="page.html" width="%d" height="900" style="border:0"></iframe><script>
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
addEventListener("load", async () => {
  const inside = document.getElementById("page").contentWindow, page = inside.document;
  const all = (what) => [...page.querySelectorAll(what)];
  const found = {ready: Number(page.documentElement.dataset.readyMs)};
  found.made = all("tr.class").length;
  found.shown = page.getElementById("shown").textContent;
  found.sorted = [];
  for (const [n, head] of all("#heads th").entries()) {
    head.querySelector("button").click();
    found.sorted.push(all("#heads th")[n].getAttribute("aria-sort"));
  }
  const by = page.getElementById("by");
  by.value = "calls"; by.dispatchEvent(new inside.Event("change"));
  found.calls = all("tr.class td:nth-child(2)").slice(0, 50)
    .map((each) => +each.textContent.replace(/,/g, ""));
  const search = page.getElementById("search");
  search.value = "EVIL 박"; search.dispatchEvent(new inside.Event("input"));
  await wait(300);
  found.matched = page.getElementById("shown").textContent;
  const row = page.querySelector("tr.class button");
  row.focus(); row.click();
  found.expanded = row.getAttribute("aria-expanded");
  found.opened = page.querySelector("tr.opened").textContent;
  await wait(100);
  const root = page.documentElement;
  found.wide = all("body *").filter((each) => !each.closest(".scroll, pre")
    && each.getBoundingClientRect().right > inside.innerWidth + 0.5)
    .map((each) => each.outerHTML.slice(0, 80));
  found.needs = root.scrollWidth; found.width = inside.innerWidth;
  found.dark = inside.matchMedia("(prefers-color-scheme: dark)").matches;
  found.ground = inside.getComputedStyle(page.body).backgroundColor;
  found.images = all("img, script:not(#data)").length;
  found.hacked = window.hacked ?? null;
  row.click();
  found.closed = all("tr.opened").length;
  document.getElementById("found").textContent = JSON.stringify(found);
});
</script></body>"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a log with 5,000 classes, one of which is hostile."""
    folder = tmp_path_factory.mktemp("page")
    at, lines = datetime(2026, 1, 5, tzinfo=UTC), []
    for number in range(CLASSES - 1):
        at += timedelta(seconds=3)
        name = "".join(chr(97 + number // 26**power % 26) for power in range(3))
        lines.append(
            f"{at:%Y-%m-%d %H:%M:%S}.000 UTC [7] kim@shop LOG:  duration: {number % 977}.500 ms"
            f"  statement: SELECT sum(a) FROM orders_{name} WHERE b = {number} AND c = 'x'"
        )
    for said in (f"statement: {EVIL}", f"plan:\n\t{PLAN.format(sql=EVIL)}"):
        lines.append(
            f"{at:%Y-%m-%d %H:%M:%S}.000 UTC [8] 박@<i> LOG:  duration: 99999.000 ms  {said}"
        )
    lines.append(f"{at:%Y-%m-%d %H:%M:%S}.000 UTC [8] kim@shop ERROR:  {EVIL}")
    (folder / "pg.log").write_text("\n".join(["not a line of a log <b>", *lines, ""]), "utf-8")
    ran = CliRunner().invoke(
        main, ["slow", "digest", "--report", str(folder / "page.html"), str(folder / "pg.log")]
    )
    assert ran.exit_code == 0, ran.output
    assert f"{CLASSES:,} classes in" in ran.output
    return folder


def test_the_page_asks_nobody_and_its_policy_lets_only_its_own_script_run(page: Path) -> None:
    text = (page / "page.html").read_text("utf-8")
    assert "script-src 'sha256-" in text
    assert not re.search(r"@import|url\(|src=\"?http|href=\"?http", text.split('id="data"')[0])
    [data] = re.findall(
        r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL
    )
    assert not re.search("[<>&\u2028\u2029]", data)
    rows = json.loads(data)["rows"]
    assert len(rows) == CLASSES
    assert rows[0]["worst"]["sql"] == EVIL
    assert "\n" in rows[0]["worst"]["pretty"]
    assert "4,000 came" in rows[0]["plans"][0]["misjudged"]
    assert len(text) < 8_000_000


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", PHONE)])
def test_a_browser_sorts_searches_and_opens_it_and_runs_nothing_else(
    chromium: str, page: Path, tmp_path: Path, scheme: str, width: int
) -> None:
    (page / "index.html").write_text(HARNESS % width, "utf-8")
    with serving(page) as url:
        done = browse(
            chromium, tmp_path / "home", f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}",
            "--window-size=1400,900", "--virtual-time-budget=8000",
            "--dump-dom", f"{url}/index.html",
        )  # fmt: skip
    match = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    assert match
    found = json.loads(unescape(match[1]))
    assert 0 < found["ready"] < READY_MS_MAX
    assert found["made"] == 100
    assert found["shown"] == f"{CLASSES:,} classes"
    assert set(found["sorted"]) == {"ascending", "descending"}
    assert found["calls"] == sorted(found["calls"], reverse=True)
    assert found["matched"] == f"1 of {CLASSES:,} classes"
    assert (found["expanded"], found["closed"]) == ("true", 0)
    for said in (
        "parent.hacked=1",
        "1 row expected, 4,000 came",
        "99,999 ms",
        "Seq Scan on evil",
        "한글",
    ):
        assert said in found["opened"]
    assert found["wide"] == []
    assert found["needs"] <= found["width"] == width
    assert found["dark"] == (scheme == "dark")
    assert found["images"] == 1  # its own script
    assert found["hacked"] is None
    assert "CONSOLE" not in done.stderr


def test_a_page_that_cannot_be_written_is_said_before_anything_is_read(tmp_path: Path) -> None:
    ran = CliRunner().invoke(main, ["slow", "digest", "--report", str(tmp_path), "/nowhere.log"])
    assert ran.exit_code == 2
    assert "cannot write the report" in ran.output
