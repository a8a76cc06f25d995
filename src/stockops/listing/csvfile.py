"""
A listing from a CSV file: the exchange's own export, or ours.

Ours has the header ``symbol,name,market,listed_shares,close_won``; `isin`, `kind` and `status` may
follow. The exchange's export (all issues of a day) is read by its Korean headers. UTF-8 with or
without a byte order mark, or CP949, which is what the exchange and spreadsheets in Korea write.
"""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from .. import counts
from ..errors import ConfigError
from ..market import isin_of
from .issue import Issue, Listing, accepted, kind_of

_SIZE_MAX = 64 * 1024 * 1024
_NEEDED = ("symbol", "name", "listed_shares", "close_won")
_HEADERS = {
    "종목코드": "symbol",
    "단축코드": "symbol",
    "표준코드": "isin",
    "종목명": "name",
    "한글종목약명": "name",
    "시장구분": "market",
    "상장주식수": "listed_shares",
    "종가": "close_won",
    "시가": "open_won",
    "거래량": "volume",
}
_HEADER_HINT = (
    "The header is symbol,name,market,listed_shares,close_won, or the exchange's own: "
    "종목코드,종목명,시장구분,종가,상장주식수."
)
_MARKETS = {
    "STK": "KOSPI",
    "유가증권": "KOSPI",
    "KSQ": "KOSDAQ",
    "코스닥": "KOSDAQ",
    "KOSDAQ GLOBAL": "KOSDAQ",
    "KNX": "KONEX",
    "코넥스": "KONEX",
}


def read(path: Path) -> Listing:
    """Return the listing in the file at `path`; a `ConfigError` names the first bad lines."""
    text = _text(path)
    if not text.strip():
        raise ConfigError(f"{path} is empty: it has not even a header", hint=_HEADER_HINT)
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        header = [_column(name) for name in next(reader, [])]
        _check_header(path, header)
        found = [
            (reader.line_num, _issue(f"{path}:{reader.line_num}", header, cells))
            for cells in reader
            if any(cell.strip() for cell in cells)
        ]
    except csv.Error as exc:
        raise ConfigError(
            f"{path}:{reader.line_num}: {exc}", hint="Save it as CSV, comma-separated."
        ) from exc
    return accepted(str(path), found)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(_SIZE_MAX + 1)
    except OSError as exc:
        raise ConfigError(
            f"cannot read the listing {str(path)!r}: {exc.strerror}",
            hint="--listing takes sample, krx, or the path of a CSV file.",
        ) from exc
    if len(raw) > _SIZE_MAX:
        raise ConfigError(f"{path} is larger than {_SIZE_MAX >> 20} MiB: no listing is")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as utf8:
        try:
            return raw.decode("cp949")
        except UnicodeDecodeError as cp949:
            place = max(utf8.start, cp949.start)
            line = raw.count(b"\n", 0, place) + 1
            raise ConfigError(
                f"{path}:{line}: byte {place} is neither UTF-8 nor CP949 text",
                hint="Save it as UTF-8.",
            ) from cp949


def _column(name: str) -> str:
    name = "".join(name.split())
    return _HEADERS.get(name, name.lower())


def _check_header(path: Path, header: list[str]) -> None:
    missing = [name for name in _NEEDED if name not in header]
    twice = [name for name in _NEEDED if header.count(name) > 1]
    if missing or twice:
        what = f"no column {missing[0]!r}" if missing else f"two columns {twice[0]!r}"
        korean = ", ".join(k for k, v in _HEADERS.items() if v == (missing or twice)[0])
        raise ConfigError(
            f"{path}:1: {what}" + (f" ({korean})" if korean else ""),
            hint=_HEADER_HINT,
        )


def _issue(where: str, header: list[str], cells: list[str]) -> Issue:
    if len(cells) != len(header):
        raise ConfigError(
            f"{where}: {counts.of(len(cells), 'cell')} under {counts.of(len(header), 'header')}",
            hint="A name with a comma is written in quotes.",
        )
    row = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
    symbol = row["symbol"]
    stated = row.get("market") or "KOSPI"
    isin = row.get("isin")
    if not isin:
        isin = isin_of(symbol) if symbol.isascii() and symbol.isalnum() else ""
    # A day without an opening price and without a trade, in a list that has both, is a halt.
    still = all(row.get(name) in {"0", "-"} for name in ("open_won", "volume"))
    return Issue(
        symbol=symbol,
        isin=isin,
        name=row["name"],
        market=_MARKETS.get(stated, stated),
        kind=row.get("kind") or kind_of(symbol, row["name"]),
        status=row.get("status") or ("halted" if still else "listed"),
        listed_shares=_number(where, row, "listed_shares"),
        close_won=_number(where, row, "close_won"),
        origin="file",
    )


def _number(where: str, row: Mapping[str, str], name: str) -> int:
    digits = row[name].replace(",", "")
    if not (digits.isascii() and digits.isdigit()):
        raise ConfigError(
            f"{where}: {name} of {row['symbol']} is {row[name]!r}, not a whole number",
            hint="Correct the line, then run it again.",
        )
    return int(digits)
