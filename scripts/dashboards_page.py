"""
Draw every dashboard of monitoring/dashboards from real data, as pictures for docs/dashboards.md.

    python scripts/dashboards_page.py

Grafana is not needed: a server of each engine trades, is backed up and checked; our exporter is
scraped by a real Prometheus with our own rules; each panel's question is asked as it stands, and
Chromium takes the picture. What stays empty is named on the page. Takes about four minutes.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Any

from dashboards_world import EVERY_S, READY_S, World, world

from stockops import resources
from stockops.engine import connect

TOP = Path(__file__).resolve().parent.parent
PAGE = TOP / "docs" / "dashboards.md"
PICTURES = TOP / "docs" / "pictures"
WIDTH, ROW_PX, COLUMNS = 1400, 34, 24
SERIES_MAX, ROWS_MAX = 8, 10
COLOURS = ("#0b62c4", "#1a7f37", "#9a6200", "#b42318", "#6f42c1", "#0f766e", "#57606a", "#c2410c")
_BEGINNING = (
    "Each dashboard of `monitoring/dashboards`, drawn by `scripts/dashboards_page.py` from what a",
    "real Prometheus and two servers answered to the questions of its panels, as they stand: a",
    "PostgreSQL (`prod`) and a MariaDB (`prodmy`) that traded for two and a half minutes, were",
    "backed up and checked, and a drill of each. Grafana draws the same numbers its own way.",
)
_STYLE = """
body { margin: 12px; font: 14px system-ui, "Noto Sans KR", sans-serif; color: #1b1f24; }
h1 { font-size: 20px; margin: 0 0 8px; }
.board { display: grid; grid-template-columns: repeat(24, 1fr); grid-auto-rows: 34px; gap: 6px; }
.panel { border: 1px solid #d0d7de; border-radius: 5px; padding: 6px 8px; overflow: hidden; }
.panel h2 { font-size: 13px; margin: 0 0 4px; color: #57606a; font-weight: 600; }
.values { display: flex; flex-wrap: wrap; gap: 2px 18px; }
.values b { display: block; font-size: 24px; line-height: 1.15; }
.values span, .legend span { color: #57606a; font-size: 11px; margin-right: 8px; }
.empty { color: #9a6200; }
table { border-collapse: collapse; font-size: 12px; width: 100%; }
td, th { text-align: left; border-bottom: 1px solid #e3e8ee; padding: 1px 6px 1px 0; }
td, th { white-space: nowrap; }
svg { display: block; } svg text { font-size: 10px; fill: #57606a; }
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One series of a panel: what the legend calls it, and its values by the clock, in seconds."""

    name: str
    points: Sequence[tuple[float, float]]


def main() -> None:
    """Make the world, ask every panel, draw, and write the page."""
    if shutil.which("prometheus") is None or shutil.which("chromium") is None:
        sys.exit("prometheus and chromium are wanted: scripts/install-test-servers.sh")
    boards = sorted((resources.folder("monitoring") / "dashboards").glob("*.json"))
    told = []
    with tempfile.TemporaryDirectory(prefix="dashboards-") as place, world(Path(place)) as there:
        for path in boards:
            board = json.loads(path.read_text("utf-8"))
            empty = picture(board, path.stem, there, Path(place))
            told.append((path.stem, board["title"], len(board["panels"]), empty))
            print(
                f"{path.stem}: {len(board['panels'])} panels, empty: {', '.join(empty) or 'none'}"
            )
    PAGE.write_text("\n".join(page(told)), "utf-8")


def picture(board: Mapping[str, Any], name: str, there: World, folder: Path) -> list[str]:
    """Draw `board` into docs/pictures; return the titles of the panels that are empty."""
    values = _variables(board, there)
    parts, empty, rows = [], [], 0
    for panel in board["panels"]:
        inside = KINDS[panel["type"]](panel, there, values)
        if not inside:
            empty.append(panel["title"])
            inside = '<p class="empty">nothing to show here</p>'
        at = panel["gridPos"]
        rows = max(rows, at["y"] + at["h"])
        place = f"grid-area:{at['y'] + 1}/{at['x'] + 1}/span {at['h']}/span {at['w']}"
        title = escape(_filled(panel["title"], values))
        parts.append(
            f'<div class="panel {panel["type"]}" style="{place}"><h2>{title}</h2>{inside}</div>'
        )
    html = folder / f"{name}.html"
    body = f'<h1>{escape(board["title"])}</h1><div class="board">{"".join(parts)}</div>'
    html.write_text(f"<!doctype html><meta charset=utf-8><style>{_STYLE}</style>{body}", "utf-8")
    size = f"{WIDTH},{rows * (ROW_PX + 6) + 70}"
    shot = PICTURES / f"dashboard-{name}.png"
    words = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    words += [f"--window-size={size}", f"--screenshot={shot}", html.as_uri()]
    subprocess.run(words, check=True, capture_output=True, timeout=READY_S * 2)
    return empty


def _variables(board: Mapping[str, Any], there: World) -> dict[str, str]:
    """Return a value for each variable: every instance, or the first that a database answers."""
    values = {"instance": ".*", "__rate_interval": f"{15 * EVERY_S}s"}
    for each in board.get("templating", {}).get("list", ()):
        if each["name"] not in values:
            rows = _rows(each["query"], board, there, values)
            values[each["name"]] = str(rows[0][next(iter(rows[0]))])
    return values


def _filled(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\$\{?(\w+)(?::\w+)?\}?", lambda m: values.get(m[1], m[0]), text)


def _rows(
    sql: str, panel: Mapping[str, Any], there: World, values: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Ask the database of the engine that the panel's source is for."""
    engine = "mariadb" if "mariadb" in json.dumps(panel).lower() else "postgresql"
    with connect(there.targets[engine]) as server:
        return [dict(row) for row in server.rows(_filled(sql, values))]


def stat(panel: Mapping[str, Any], there: World, values: Mapping[str, str]) -> str:
    """Return the last value of each series, large."""
    unit = panel["fieldConfig"]["defaults"].get("unit", "short")
    parts = []
    for asked in panel["targets"]:
        if "rawSql" in asked:
            rows = _rows(asked["rawSql"], panel, there, values)
            said = [
                ("", float(value))
                for row in rows[:1]
                for value in row.values()
                if _is_number(value)
            ]
        else:
            found = there.ask("query", query=_filled(asked["expr"], values))
            said = [(_legend(asked, each), float(each["value"][1])) for each in found]
        parts += [
            f"<div><b>{_shown(value, unit)}</b><span>{escape(name)}</span></div>"
            for name, value in said
        ]
    return f'<div class="values">{"".join(parts)}</div>' if parts else ""


def timeseries(panel: Mapping[str, Any], there: World, values: Mapping[str, str]) -> str:
    """Return lines over the time since the beginning, or over the days of prices."""
    unit = panel["fieldConfig"]["defaults"].get("unit", "short")
    lines: list[Line] = []
    for asked in panel["targets"]:
        if "rawSql" in asked:
            rows = _rows(asked["rawSql"], panel, there, values)
            for name in list(rows[0])[1:] if rows else ():
                points = [
                    (_seconds(row["time"]), float(row[name]))
                    for row in rows
                    if row[name] is not None
                ]
                lines.append(Line(name, points))
            continue
        found = there.ask(
            "query_range", query=_filled(asked["expr"], values), start=there.since_s,
            end=time.time(), step=EVERY_S,
        )  # fmt: skip
        for each in found:
            points = [
                (at, float(value)) for at, value in each["values"] if value not in {"NaN", "+Inf"}
            ]
            lines.append(Line(_legend(asked, each), points))
    lines = sorted((each for each in lines if each.points), key=_highest, reverse=True)
    return _chart(lines[:SERIES_MAX], panel["gridPos"], unit) if lines else ""


def table(panel: Mapping[str, Any], there: World, values: Mapping[str, str]) -> str:
    """Return the rows of the answer."""
    rows: list[dict[str, Any]] = []
    for asked in panel["targets"]:
        if "rawSql" in asked:
            rows += _rows(asked["rawSql"], panel, there, values)
            continue
        for each in there.ask("query", query=_filled(asked["expr"], values)):
            labels = {
                key: each["metric"][key]
                for key in sorted(each["metric"])
                if key not in {"__name__", "job"}
            }
            rows.append({**labels, "value": each["value"][1]})
    if not rows:
        return ""
    head = "".join(f"<th>{escape(name)}</th>" for name in rows[0])
    body = "".join(
        "<tr>" + "".join(_cell(name, row.get(name)) for name in rows[0]) + "</tr>"
        for row in rows[:ROWS_MAX]
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def pie(panel: Mapping[str, Any], there: World, values: Mapping[str, str]) -> str:
    """Return the shares as bars, the largest first."""
    rows = _rows(panel["targets"][0]["rawSql"], panel, there, values)
    total = float(sum(row["value"] for row in rows)) or 1.0
    parts = []
    for row in sorted(rows, key=lambda row: row["value"], reverse=True)[:SERIES_MAX]:
        share = float(row["value"]) / total
        bar = f"background:{COLOURS[0]};height:6px;width:{share:.1%}"
        name = escape(str(row["metric"]))
        parts.append(f'<div>{name} {share:.1%}<div style="{bar}"></div></div>')
    return "".join(parts)


KINDS: Mapping[str, Callable[[Mapping[str, Any], World, Mapping[str, str]], str]] = {
    "stat": stat,
    "gauge": stat,
    "bargauge": stat,
    "timeseries": timeseries,
    "table": table,
    "piechart": pie,
}


def _highest(line: Line) -> float:
    return max(value for _, value in line.points)


def _chart(lines: Sequence[Line], at: Mapping[str, int], unit: str) -> str:
    """Return `lines` as SVG, with a legend, in a panel of that place."""
    width, height = at["w"] * (WIDTH - 30) // COLUMNS - 30, at["h"] * (ROW_PX + 6) - 74
    begin = min(line.points[0][0] for line in lines)
    span = max(max(line.points[-1][0] for line in lines) - begin, 1.0)
    top = max(map(_highest, lines)) or 1.0
    drawn = []
    for line, colour in zip(lines, COLOURS, strict=False):
        spots = " ".join(
            f"{50 + (x - begin) / span * (width - 56):.1f},{_height(y / top, height):.1f}"
            for x, y in line.points
        )
        drawn.append(
            f'<polyline fill="none" stroke="{colour}" stroke-width="1.6" points="{spots}"/>'
        )
    for share in (0.0, 0.5, 1.0):
        y = _height(share, height)
        drawn.append(f'<line x1="50" x2="{width}" y1="{y}" y2="{y}" stroke="#e3e8ee"/>')
        drawn.append(
            f'<text x="46" y="{y + 3}" text-anchor="end">{_shown(top * share, unit)}</text>'
        )
    legend = "".join(
        f'<span style="color:{colour}">{escape(line.name)}</span>'
        for line, colour in zip(lines, COLOURS, strict=False)
    )
    box = f'width="{width}" height="{height + 4}"'
    return f'<svg {box}>{"".join(drawn)}</svg><div class="legend">{legend}</div>'


def _height(share: float, height: int) -> float:
    """Return where a share of the highest value is, from above; nothing is below the bottom."""
    return height - max(share, 0.0) * (height - 14)


def _legend(asked: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    metric = found["metric"]
    return re.sub(r"\{\{(\w+)\}\}", lambda m: metric.get(m[1], ""), asked.get("legendFormat") or "")


def _shown(value: float, unit: str) -> str:
    """Return a value as Grafana would write it."""
    if unit == "percentunit":
        return f"{value:.1%}"
    if unit == "percent":
        return f"{value:.1f} %"
    ending = {
        "s": " s",
        "Bps": "B/s",
        "bytes": "B",
        "ops": "/s",
        "rowsps": "/s",
        "currencyKRW": " ₩",
    }.get(unit, "")
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size * 10:
            return f"{value / size:,.1f} {letter}{ending.strip()}"
    return f"{value:,.3g}{ending}" if abs(value) < 1000 else f"{value:,.0f}{ending}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) or str(value).replace(".", "", 1).lstrip("-").isdigit()


def _cell(name: str, value: object) -> str:
    """Return a cell; what was gained is red and what was lost blue, as in Korea."""
    if not isinstance(value, float | Decimal):
        return f"<td>{escape(str(value))}</td>"
    colour = ""
    if name.startswith("profit") and value:
        colour = f' style="color:{COLOURS[3] if value > 0 else COLOURS[0]}"'
    return f"<td{colour}>{value:,.2f}</td>"


def _seconds(at: object) -> float:
    return at.timestamp() if isinstance(at, datetime) else float(str(at))


def page(told: Sequence[tuple[str, str, int, Sequence[str]]]) -> Iterator[str]:
    """Give the lines of docs/dashboards.md."""
    yield "# The dashboards"
    yield ""
    yield from _BEGINNING
    for name, title, count, empty in told:
        said = f"{count} panels"
        if empty:
            said += (
                f"; nothing to show here, where nothing of the kind happened: {', '.join(empty)}"
            )
        yield ""
        yield f"## {title}"
        yield ""
        yield f"`{name}.json`, {said}."
        yield ""
        yield f"![{title}](pictures/dashboard-{name}.png)"
    yield ""


if __name__ == "__main__":
    main()
