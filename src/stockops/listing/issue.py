"""What a listing is made of, and what makes one acceptable."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from .. import market
from ..errors import ConfigError

_SHARES_MAX = 1_000_000_000_000
_PRICE_MAX = 100_000_000
_NAME_MAX = 64
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One issue of the exchange and its close on the listing's date."""

    symbol: str
    isin: str
    name: str
    market: str
    kind: str
    status: str
    listed_shares: int
    close_won: int
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The issues of a day, in the order of their codes, and where they came from."""

    source: str
    issues: tuple[Issue, ...]
    on: date | None = None

    @property
    def fingerprint(self) -> str:
        """What tells this listing from one with any other content."""
        text = "\n".join(
            f"{i.symbol}|{i.isin}|{i.name}|{i.market}|{i.kind}|{i.status}"
            f"|{i.listed_shares}|{i.close_won}|{i.origin}"
            for i in self.issues
        )
        return hashlib.sha256(text.encode()).hexdigest()


def fault(issue: Issue) -> str | None:
    """Say what is wrong with `issue`, as the end of a sentence; None where nothing is."""
    rules = [
        (
            market.is_symbol(issue.symbol),
            f"{issue.symbol!r} is not a code: six characters, the first one a digit "
            "(a spreadsheet takes leading zeros away)",
        ),
        (market.is_isin(issue.isin), f"{issue.isin!r} is not an ISIN with its check digit"),
        (0 < len(issue.name) <= _NAME_MAX, f"the name of {issue.symbol} is empty or too long"),
        (
            issue.market in market.MARKETS,
            f"{issue.market!r} is none of {', '.join(market.MARKETS)}",
        ),
        (issue.kind in market.KINDS, f"{issue.kind!r} is none of {', '.join(market.KINDS)}"),
        (
            1 <= issue.listed_shares <= _SHARES_MAX,
            f"{issue.symbol} has {issue.listed_shares} listed shares",
        ),
        (1 <= issue.close_won <= _PRICE_MAX, f"{issue.symbol} closed at {issue.close_won} won"),
    ]
    return next((sentence for holds, sentence in rules if not holds), None)


def accepted(source: str, found: Sequence[tuple[int, Issue]], *, on: date | None = None) -> Listing:
    """
    Return the listing of what was `found`, each issue with its line, or raise `ConfigError`.

    Nothing is left out silently: one bad line refuses the whole.
    """
    faults: list[str] = []
    symbols: dict[str, int] = {}
    isins: dict[str, int] = {}
    for line, issue in found:
        if sentence := fault(issue):
            faults.append(f"{source}:{line}: {sentence}")
            continue
        for code, seen in ((issue.symbol, symbols), (issue.isin, isins)):
            if (before := seen.setdefault(code, line)) != line:
                faults.append(f"{source}:{line}: {code} is on line {before} already")
                break
    if faults:
        more = f" (and {len(faults) - _SHOWN} more)" if len(faults) > _SHOWN else ""
        raise ConfigError(
            "; ".join(faults[:_SHOWN]) + more, hint="Correct the lines, then run it again."
        )
    if not found:
        raise ConfigError(
            f"{source} holds no issue",
            hint="Give a listing with at least one line below its header.",
        )
    issues = sorted((issue for _, issue in found), key=lambda issue: issue.symbol)
    return Listing(source=source, issues=tuple(issues), on=on)


def kind_of(symbol: str, name: str) -> str:
    """
    Infer the kind of an issue of which only the code and the name are known.

    A code that does not end in 0 is preferred stock, without exception; a REIT says so in its name
    (메리츠 does not); the funds are known by their codes.
    """
    if not symbol.endswith("0"):
        return "preferred"
    if symbol in _FUNDS:
        return "fund"
    return "reit" if "리츠" in name.replace("메리츠", "") else "common"


# 맥쿼리인프라, 맵스리얼티1, 한국ANKOR유전, KB발해인프라
_FUNDS = frozenset({"088980", "094800", "152550", "415640"})
