"""The answer to an operator's question, as one page."""

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from .. import render
from ..scenarios import Answered
from .page import templates


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, whether it holds numbers, and its cells as text."""

    heading: str
    is_number: bool
    cells: tuple[str, ...]


def render_scenario(answered: Answered, *, where: str) -> str:
    """Return the page; `where` names the database that was asked."""
    fields = dataclasses.fields(answered.rows[0]) if answered.rows else ()
    columns = [
        _column(field.name, [getattr(row, field.name) for row in answered.rows]) for field in fields
    ]
    page = templates().get_template("scenario.html")
    return page.render(answered=answered, where=where, at=datetime.now(UTC), columns=columns)


def _column(name: str, values: Sequence[object]) -> Column:
    is_counted = not name.endswith(("_id", "_no"))
    return Column(
        heading=name.replace("_", " "),
        is_number=any(isinstance(value, int | Decimal) for value in values),
        cells=tuple(
            f"{value:,}" if is_counted and isinstance(value, int | Decimal) else render.cell(value)
            for value in values
        ),
    )
