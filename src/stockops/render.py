"""The same rows, for a person or for a program."""

import dataclasses
import io
import json
from collections.abc import Sequence
from csv import writer
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
        return json_of([dataclasses.asdict(item) for item in items])
    if not items:
        return "(none)"
    from tabulate import tabulate  # noqa: PLC0415  a program that asks for JSON does without

    fields = [field.name for field in dataclasses.fields(items[0])]
    columns = [[getattr(item, name) for item in items] for name in fields]
    return tabulate(
        list(zip(*([cell(value) for value in column] for column in columns), strict=True)),
        headers=fields,
        tablefmt="simple",
        disable_numparse=True,  # a stock code is not a number
        colalign=["right" if _is_number(column) else "left" for column in columns],
    )


def json_of(value: object) -> str:
    """Return `value` as JSON: instants and dates in ISO 8601, exact decimals as text, in ASCII."""
    return json.dumps(value, indent=2, default=_plain)


def csv(items: Sequence["DataclassInstance"]) -> str:
    """
    Render `items`, which are all of one type, as RFC 4180 has it: a header, then a line each.

    Instants and dates are as in JSON, and nothing stands for None. Nothing at all for no items.
    """
    written = io.StringIO()
    lines = writer(written)
    for number, item in enumerate(items):
        names = [field.name for field in dataclasses.fields(item)]
        if not number:
            lines.writerow(names)
        values = [getattr(item, name) for name in names]
        lines.writerow(["" if value is None else _plain(value) for value in values])
    return written.getvalue().replace("\r\n", "\n").removesuffix("\n")


def _is_number(column: Sequence[Any]) -> bool:
    found = [value for value in column if value is not None]
    return bool(found) and all(
        isinstance(value, int | float | Decimal) and not isinstance(value, bool) for value in found
    )


def cell(value: object) -> str:
    """Return `value` as a table shows it, in one line."""
    if isinstance(value, tuple | list):
        return ", ".join(map(cell, value)) or "-"
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
