"""The issues that are asked about: known by code, or told with the nearest one."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from ..engine.base import Server
from ..errors import ConfigError, Finding
from ..queries import Query


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue of the exchange."""

    symbol: str
    name: str
    market: str


ISSUES = Query("research/issues", Issue)


def chosen(server: Server, symbols: Sequence[str]) -> list[Issue]:
    """Return the issues of `symbols`, or all that have prices; by code, each once."""
    known = {issue.symbol: issue for issue in server.fetch(ISSUES)}
    if not known:
        raise Finding("no issue has any price", hint="Fill it: stockops seed run")
    for symbol in symbols:
        if symbol not in known:
            names = {issue.name: issue.symbol for issue in known.values()}
            near = get_close_matches(symbol, [*known, *names], 1)
            code = names.get(near[0], near[0]) if near else min(known)
            said = f"{code}, {known[code].name}"
            raise ConfigError(
                f"no issue with prices has the code {symbol!r}",
                hint=f"Did you mean {said}?" if near else f"Codes look like that of {said}.",
            )
    return [known[symbol] for symbol in sorted(set(symbols) or known)]
