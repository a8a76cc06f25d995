"""The report is one page that anybody can read, on anything, whatever names it holds."""

import itertools
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from browsing import PHONE, SCHEMES, browse, serving

from stockops import report
from stockops.errors import ConfigError
from stockops.report import charts, figures
from stockops.report.result import (
    Bucket,
    DemoResult,
    Fact,
    IndexTried,
    Invariant,
    Latency,
    Outcome,
    Second,
    Stall,
    StepTime,
    SymbolTrades,
    TableRows,
)

NAMES = ("삼성전자", "SK하이닉스", "LG에너지솔루션", "현대차", "한화에어로스페이스", "KB금융")


def sample() -> DemoResult:
    """Return a run like a real one."""
    counts = (2, 9, 48, 220, 900, 2400, 4100, 4800, 3900, 2500, 1400, 800, 400, 180, 60, 22, 8, 1)
    buckets = tuple(
        Bucket(from_us=200 * 1.26**i, to_us=200 * 1.26 ** (i + 1), answers=answers)
        for i, answers in enumerate(counts)
    )
    ended = (
        Outcome(status="filled", reason=None, orders=15_204),
        Outcome(status="open", reason=None, orders=4_120),
        Outcome(status="cancelled", reason="no_liquidity", orders=1_311),
        Outcome(status="rejected", reason="insufficient_shares", orders=1_030),
        Outcome(status="rejected", reason="halted", orders=85),
    )
    steps = (("lab", 2.4), ("migrate", 1.1), ("seed", 4.2), ("trade", 10.3), ("books", 1.9))
    return DemoResult(
        engine="postgresql",
        server_version="18.6",
        stockops_version="0.1.0",
        started_at=datetime(2025, 1, 3, 1, 2, 3, tzinfo=UTC),
        facts=(Fact("Clients", "4"), Fact("fsync", "on"), Fact("Processor", "a real one, 2 cores")),
        users=500,
        accounts=1_000,
        seeded=(TableRows("stocks", 961), TableRows("stock_prices", 234_484)),
        content_sha256="ab" * 32,
        orders=21_750,
        trades=16_002,
        value_won=1_234_567_890_123,
        ran_s=10.0,
        orders_per_s=2_175.0,
        seconds=tuple(Second(i, 2_000 + 37 * i % 301) for i in range(10)),
        latency=Latency(p50_us=1_260, p95_us=3_170, p99_us=4_800, max_us=12_400, buckets=buckets),
        stall=Stall(start_s=4.31, length_s=0.21),
        index=IndexTried(
            statement="CREATE INDEX stock_prices_volume_ix ON stock_prices (volume, symbol)",
            query="SELECT symbol, volume FROM stock_prices ORDER BY volume DESC, symbol LIMIT 20",
            size_bytes=9_617_408,
            before_us=61_000,
            after_us=310,
            low=0.004,
            high=0.006,
            same_rows=True,
        ),
        outcomes=ended,
        symbols=tuple(
            SymbolTrades(
                symbol=f"{i:05d}0",
                name=NAMES[i % len(NAMES)],
                trades=900 - 50 * i,
                shares=9_000,
                value_won=98_765_432_100 // (i + 1),
            )
            for i in range(15)
        ),
        books=tuple(
            Invariant(
                name=f"invariant_{i}",
                title="Every journal sums to zero for each asset, and has two legs at least",
                state="held",
                looked_at=48_000 + i,
                violations=0,
                ms=12 * i,
            )
            for i in range(20)
        ),
        steps=tuple(
            StepTime(
                name=name,
                title=name.capitalize(),
                started_s=sum(took for _, took in steps[:i]),
                took_s=took_s,
            )
            for i, (name, took_s) in enumerate(steps)
        ),
        lab="demo",
    )


class Page(HTMLParser):
    """The elements of a page, their attributes and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]


def test_the_page_tells_the_whole_run() -> None:
    text = " ".join(Page(report.render(sample())).text)
    for said in (
        "PostgreSQL 18.6",
        "The books balance: 20 of 20 invariants held.",
        "21,750",
        "16,002",
        "1,234,567,890,123 won",
        "1.26 ms",
        "3.17 ms",
        "4.8 ms",
        "The longest time without any answer was 0.2 s, 4.3 s in.",
        "삼성전자 000000",
        "rejected: insufficient_shares",
        "invariant_19",
        "48,019",
        "234,484",
        "ab" * 32,
        "stockops lab up --name demo",
    ):
        assert said in text


def test_the_page_needs_nothing_from_anywhere() -> None:
    page = Page(report.render(sample()))
    assert not page.named("script")
    links = [(tag, attrs) for tag, attrs in page.elements if {"src", "href"} & {*attrs}]
    assert links == [("link", {"rel": "icon", "href": "data:,"})]
    assert not re.search(r"@import|url\(|https?:", report.render(sample()))


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;"


def test_hostile_names_are_only_text() -> None:
    run = sample()
    run = replace(
        run,
        engine=HOSTILE,
        server_version=HOSTILE,
        stockops_version=HOSTILE,
        content_sha256=HOSTILE,
        lab=HOSTILE,
        facts=(Fact(HOSTILE, HOSTILE),),
        seeded=(TableRows(HOSTILE, 1),),
        outcomes=(Outcome(status=HOSTILE, reason=HOSTILE, orders=1),),
        symbols=(replace(run.symbols[0], name=HOSTILE, symbol=HOSTILE),),
        books=(replace(run.books[0], name=HOSTILE, title=HOSTILE),),
        steps=(replace(run.steps[0], title=HOSTILE),),
    )
    page = Page(report.render(run))
    assert {tag for tag, _ in page.elements} <= {
        tag for tag, _ in Page(report.render(sample())).elements
    }
    assert not any(name.startswith("on") for _, attrs in page.elements for name in attrs)
    assert HOSTILE in "".join(page.text)


def test_every_picture_has_a_title_and_words() -> None:
    page = Page(report.render(sample()))
    pictures = page.named("svg")
    assert len(pictures) == 6
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    for picture in pictures:
        assert picture["role"] == "img"
        assert set((picture["aria-labelledby"] or "").split()) <= set(ids)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("violated", "The books are not proved: 19 of 20 invariants held, 1 violated"),
        ("inconclusive", "The books are not proved: 19 of 20 invariants held, 0 violated, 1 inc"),
    ],
)
def test_one_line_that_does_not_hold_is_told_first(state: report.result.State, said: str) -> None:
    run = sample()
    books = (replace(run.books[0], state=state), *run.books[1:])
    run = replace(run, books=books)
    assert not run.balanced
    assert said in report.render(run)


def test_a_run_in_which_nothing_happened_has_a_page_too() -> None:
    empty = Latency(p50_us=0, p95_us=0, p99_us=0, max_us=0, buckets=())
    run = replace(
        sample(),
        orders=0,
        orders_per_s=0.0,
        seconds=(),
        stall=None,
        latency=empty,
        outcomes=(),
        symbols=(),
        books=(),
        steps=(),
        facts=(),
        seeded=(),
    )
    page = report.render(run)
    assert "Nothing was checked" in page
    assert "Nothing was traded." in page
    assert "without any answer" not in page
    assert not run.balanced


def test_the_page_is_written_whole_with_its_folders(tmp_path: Path) -> None:
    path = tmp_path / "out" / "deep" / "demo.html"
    report.write(sample(), path)
    assert path.read_text("utf-8") == report.render(sample())
    assert path.stat().st_mode & 0o777 == 0o644
    assert [file.name for file in path.parent.iterdir()] == ["demo.html"]


def test_a_page_that_cannot_be_written_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "demo.html"):
        with pytest.raises(ConfigError, match="cannot write the report") as caught:
            report.page.check(path)
        assert str(path) in str(caught.value)


def test_a_report_is_written_over_a_report_and_nothing_else(tmp_path: Path) -> None:
    """``--report a.log b.log`` is what somebody types who forgot the name of the page."""
    log = tmp_path / "a.log"
    log.write_text("2026-01-05 09:00:00 UTC LOG:  duration: 9 ms")
    with pytest.raises(ConfigError, match="is there and is no report"):
        report.write(sample(), log)
    assert log.read_text().startswith("2026-01-05")
    page = tmp_path / "demo.html"
    page.touch()
    for _ in range(2):
        report.write(sample(), page)
    (tmp_path / "drill.md").write_text("# Recovery drill")
    report.page.check(tmp_path / "drill.md")


@pytest.mark.parametrize("highest", [0, 0.3, 1, 7, 10, 99, 101, 2_337, 250_000])
def test_an_axis_reaches_its_highest_value_in_few_round_steps(highest: float) -> None:
    ticks = charts.scale(highest)
    assert ticks[0] == 0
    assert ticks[-1] >= highest
    assert 2 <= len(ticks) <= 6


@pytest.mark.parametrize("number", [0, 1, 2, 10, 121, 3_600])
def test_any_number_of_seconds_fits_the_chart(number: int) -> None:
    laid = charts.throughput([Second(i, 100 + i) for i in range(number)])
    assert len(laid.columns) <= charts.COLUMNS_MAX
    for column in laid.columns:
        assert column.x >= charts.LEFT
        assert column.x + column.width <= charts.RIGHT
        assert laid.top - 0.01 <= column.y <= charts.BASE
    assert len(laid.x_ticks) <= 12


@pytest.mark.parametrize(("low", "ratio"), [(30, 1.26), (100, 1.05), (900, 2.0), (5e5, 1.5)])
def test_latencies_stay_inside_their_chart_and_labels_apart(low: float, ratio: float) -> None:
    buckets = tuple(Bucket(low * ratio**i, low * ratio ** (i + 1), i % 7) for i in range(20))
    last = int(buckets[-1].to_us)
    laid = charts.latency(
        Latency(p50_us=int(low), p95_us=last, p99_us=last * 3, max_us=last * 3, buckets=buckets)
    )
    for column in laid.columns:
        assert column.x >= charts.LEFT
        assert column.x + column.width <= charts.RIGHT
    assert all(charts.LEFT <= mark.x <= charts.RIGHT for mark in laid.marks)
    places = [tick.at for tick in laid.x_ticks]
    assert all(b - a >= 46 for a, b in itertools.pairwise(places))
    assert "shares" not in laid.words


def test_long_names_are_cut_by_the_room_they_take() -> None:
    assert charts.shortened("삼성전자", 8) == "삼성전자"
    assert charts.shortened("삼성전자우", 8) == "삼성전…"
    assert charts.shortened("a" * 9, 8) == "a" * 7 + "…"


def test_numbers_have_separators_and_no_digit_too_many() -> None:
    assert figures.latency(85) == "0.085 ms"
    assert figures.latency(1_260) == "1.26 ms"
    assert figures.latency(48_000) == "48 ms"
    assert figures.latency(1_500_000) == "1.5 s"
    assert figures.percent(1, 100_000) == "< 0.1 %"
    assert figures.percent(0, 0) == "-"
    assert figures.seconds(0.042) == "0.04 s"


def luminance(colour: str) -> float:
    colour = colour.lstrip("#")
    colour = "".join(2 * digit for digit in colour) if len(colour) == 3 else colour
    parts = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_words_and_charts_stand_out_in_light_dark_and_print() -> None:
    style = (Path(report.__file__).parent / "templates" / "style.css").read_text("utf-8")
    schemes = [dict(re.findall(r"--(\w+): (#\w+)", block)) for block in style.split(":root")[1:]]
    assert len(schemes) == 3
    for colours in schemes:
        for ground in (colours["page"], colours["card"]):
            for words in ("text", "quiet", "good", "warn", "bad"):
                assert contrast(colours[words], ground) >= 4.5, (words, ground)
            for shape in ("plain", "grey"):
                assert contrast(colours[shape], ground) >= 3, (shape, ground)


# In a real browser.

HARNESS = """<!doctype html><title>harness</title><body style="margin:0">
<iframe id="page" src="/page.html" style="border:0;width:%dpx;height:9000px"></iframe>
<pre id="found">waiting</pre>
<script>
document.getElementById("page").addEventListener("load", () => {
  const inside = document.getElementById("page").contentWindow;
  const root = inside.document.documentElement;
  const wide = [...inside.document.querySelectorAll("body *")].filter(
    (each) => !each.closest(".scroll")
      && each.getBoundingClientRect().right > inside.innerWidth + 0.5);
  document.getElementById("found").textContent = JSON.stringify({
    width: inside.innerWidth, needs: root.scrollWidth,
    wide: wide.map((each) => each.outerHTML.slice(0, 80)),
    dark: inside.matchMedia("(prefers-color-scheme: dark)").matches,
    ground: inside.getComputedStyle(inside.document.body).backgroundColor,
    pictures: inside.document.querySelectorAll("svg").length});
});
</script></body>"""


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [PHONE, 1280])
def test_a_browser_shows_it_without_overflow_or_complaint(
    chromium: str, tmp_path: Path, scheme: str, width: int
) -> None:
    run = replace(sample(), facts=(Fact("A long value", "x" * 300), *sample().facts))
    report.write(run, tmp_path / "www" / "page.html")
    (tmp_path / "www" / "index.html").write_text(HARNESS % width, "utf-8")
    with serving(tmp_path / "www") as url:
        done = browse(
            chromium, tmp_path / "home", f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}",
            "--window-size=1400,900", "--virtual-time-budget=5000",
            "--dump-dom", f"{url}/index.html",
        )  # fmt: skip
    match = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    assert match
    assert json.loads(unescape(match[1])) == {
        "width": width,
        "needs": width,
        "wide": [],
        "dark": scheme == "dark",
        "ground": "rgb(15, 20, 25)" if scheme == "dark" else "rgb(255, 255, 255)",
        "pictures": 6,
    }
    assert "CONSOLE" not in done.stderr
