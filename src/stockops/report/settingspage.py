"""Settings that were tried, as one page: bars of orders a second, and the table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from . import charts
from .charts import BAR_ROW, WIDTH, Bar, Bars
from .page import templates, write_text

_LABEL_CELLS_MAX = 43  # beside the value, which is short


@dataclass(frozen=True, slots=True)
class Rate:
    """One bar: orders a second of a turn or of a line; `tone` is a class of the style sheet."""

    label: str
    orders_per_s: float
    tone: str = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsPage:
    """What the page says. `legend` tells what the bars and their colours are."""

    title: str
    lead: Sequence[str]
    rates: Sequence[Rate]
    legend: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str]


def write_settings(page: SettingsPage, path: Path) -> None:
    """Write `page` to `path`; `ConfigError` where it cannot be written."""
    write_text(render_settings(page), path)


def render_settings(page: SettingsPage) -> str:
    """Return `page` as HTML."""
    template = templates().get_template("settings.html")
    return template.render(page=page, rates=_bars(page.rates), at=datetime.now(UTC))


def _bars(rates: Sequence[Rate]) -> Bars:
    most = max((each.orders_per_s for each in rates), default=0.0) or 1.0
    bars = [
        Bar(
            y=row * BAR_ROW,
            x=0,
            width=WIDTH * each.orders_per_s / most,
            label=charts.shortened(each.label, _LABEL_CELLS_MAX),
            value=f"{each.orders_per_s:,.0f}/s",
            words=f"{each.label}: {each.orders_per_s:,.0f} orders a second",
            tone=each.tone,
        )
        for row, each in enumerate(rates)
    ]
    words = "; ".join(bar.words for bar in bars)
    return Bars(height=max(1, len(bars)) * BAR_ROW, bars=tuple(bars), words=f"{words}.")
