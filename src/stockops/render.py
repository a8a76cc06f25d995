"""The same rows, for a person or for a program."""

import dataclasses
import json
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Format = Literal["table", "json"]

_CELL_CHARACTERS_MAX = 200


def rows(items: Sequence["DataclassInstance"], form: Format) -> str:
    """
    Render `items`, which are all of one type, as `form`.

    JSON is an array of objects named as the fields: instants and dates in ISO 8601, exact
    decimals as text, everything else as it is, in ASCII, so that no terminal can spoil it.
    """
    if form == "json":
        records = [dataclasses.asdict(item) for item in items]
        return json.dumps(records, indent=2, default=_plain)
    if not items:
        return "(none)"
    from tabulate import tabulate  # noqa: PLC0415  a program that asks for JSON does without

    fields = [field.name for field in dataclasses.fields(items[0])]
    columns = [[getattr(item, name) for item in items] for name in fields]
    return tabulate(
        list(zip(*([_cell(value) for value in column] for column in columns), strict=True)),
        headers=fields,
        tablefmt="simple",
        disable_numparse=True,  # a stock code is not a number
        colalign=["right" if _is_number(column) else "left" for column in columns],
    )


def _is_number(column: Sequence[Any]) -> bool:
    found = [value for value in column if value is not None]
    return bool(found) and all(
        isinstance(value, int | float | Decimal) and not isinstance(value, bool) for value in found
    )


def _cell(value: object) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(map(_cell, value)) or "-"
    text = " ".join(_text(value).split())
    if len(text) > _CELL_CHARACTERS_MAX:
        text = text[: _CELL_CHARACTERS_MAX - 1] + "…"
    return text


def _text(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.1f}"
        case datetime():
            return value.isoformat(sep=" ", timespec="seconds")
        case Enum():
            return str(value.value)
    return str(value)


def _plain(value: object) -> object:
    """Return what JSON has a word for."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    return str(value)
