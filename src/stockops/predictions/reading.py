"""
A file of predictions: CSV with a header, a JSON array of objects, or one JSON object a line.

A line that cannot be read is told by its number and stops nothing but itself. Only a file that is
none of the three stops the load.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from .. import counts
from ..errors import ConfigError

FIELDS = (
    "user_id",
    "symbol",
    "model_version",
    "side",
    "confidence",
    "target_won",
    "predicted_at",
    "expires_at",
)
_FILE_BYTES_MAX = 256 * 1024 * 1024
_HINT = f"A prediction has the fields {', '.join(FIELDS)}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """
    One prediction as the file has it: `fields` by name, or `error` where it cannot be read.

    `number` is the line of a file, and the place from 1 on of a JSON array's item. A cell without
    text is None, as a field that is left out.
    """

    number: int
    fields: Mapping[str, Any]
    error: str | None = None


def read(path: Path) -> Iterator[Line]:
    """Yield the lines of the file at `path`; raises `ConfigError` for what is no such file."""
    text = _text(path)
    if path.suffix == ".csv":
        return _csv(path, text)
    return _array(path, text) if text.lstrip()[:1] == "[" else _json_lines(text)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(_FILE_BYTES_MAX + 1)
    except OSError as exc:
        raise ConfigError(f"cannot read {str(path)!r}: {exc.strerror}", hint=_HINT) from exc
    if len(raw) > _FILE_BYTES_MAX:
        raise ConfigError(
            f"{path} is larger than {_FILE_BYTES_MAX >> 20} MiB", hint="Load it in parts."
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = raw.count(b"\n", 0, exc.start) + 1
        raise ConfigError(f"{path}:{line}: this is not UTF-8", hint="Save it as UTF-8.") from exc


def _csv(path: Path, text: str) -> Iterator[Line]:
    if not text.strip():
        raise ConfigError(f"{path} is empty: it has not even a header", hint=_HINT)
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(rows, [])]
    except csv.Error as exc:
        raise ConfigError(f"{path}:1: {exc}", hint=_HINT) from exc
    strange = [name for name in header if name not in FIELDS]
    if not header or strange or len(header) != len({*header}):
        what = f"no field is called {strange[0]!r}" if strange else "the header is not one of names"
        raise ConfigError(f"{path}:1: {what}", hint=_HINT)
    while True:
        try:
            cells = next(rows, None)
        except csv.Error as exc:
            yield Line(number=rows.line_num, fields={}, error=str(exc))
            continue
        if cells is None:
            return
        if not cells:
            continue
        error = None
        if len(cells) != len(header):
            error = f"{counts.of(len(cells), 'cell')} under {counts.of(len(header), 'header')}"
        values = [cell.strip() or None for cell in cells]
        fields = dict(zip(header, values, strict=False))
        yield Line(number=rows.line_num, fields=fields, error=error)


def _array(path: Path, text: str) -> Iterator[Line]:
    try:
        items = _parsed(text)
    except ValueError as exc:
        raise ConfigError(f"{path}: {exc}", hint="Correct it, or give one object a line.") from exc
    return (_line(number, item) for number, item in enumerate(items, 1))


def _json_lines(text: str) -> Iterator[Line]:
    for number, line in enumerate(io.StringIO(text), 1):
        if not line.strip():
            continue
        try:
            item = _parsed(line)
        except ValueError as exc:
            yield Line(number=number, fields={}, error=f"no JSON: {exc}")
        else:
            yield _line(number, item)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_float=Decimal)
    except RecursionError as exc:
        raise ValueError("it is nested too deeply") from exc


def _line(number: int, item: Any) -> Line:
    if not isinstance(item, dict):
        return Line(number=number, fields={}, error="a prediction is an object")
    strange = [name for name in item if name not in FIELDS]
    error = f"no field is called {strange[0][:40]!r}" if strange else None
    return Line(number=number, fields=item, error=error)
