"""The week of one user, as one page."""

from datetime import UTC, datetime

from ..research import Position, Report
from . import charts, figures
from .page import templates

_SHOWN_MAX = 12


def render_week(report: Report, *, where: str) -> str:
    """Return the page; `where` names the database that was asked."""
    positions = [Position(**each) for each in report.body["positions"]]
    ranked = sorted(positions, key=lambda each: (-(each.profit_won or 0), each.symbol))
    moved = [each for each in ranked if each.profit_won]
    most = sorted(moved, key=lambda each: -abs(each.profit_won or 0))[:_SHOWN_MAX]
    page = templates().get_template("week.html")
    return page.render(
        week=report.body,
        positions=ranked,
        moved=_gains([each for each in ranked if each in most]),
        left_out=len(moved) - len(most),
        where=where,
        at=datetime.now(UTC),
    )


def _gains(ranked: list[Position]) -> charts.Bars:
    """Lay out what positions gained or lost, the best one first."""
    return charts.gains(
        [
            (f"{each.name} {each.symbol}", each.profit_won or 0, figures.won(each.profit_won or 0))
            for each in ranked
        ]
    )
