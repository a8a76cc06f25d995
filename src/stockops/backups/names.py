"""Names of tables as somebody types them."""

import re

_QUOTED = r'"(?:[^"]|"")+"|`(?:[^`]|``)+`'
_AS_SQL = re.compile(rf"(?:(?P<space>{_QUOTED}|[^.\"`]+)\.)?(?P<name>{_QUOTED}|[^.\"`]+)")


def as_typed(name: str) -> str:
    """
    Return the bare name that `name` means: quotes as SQL has them are taken off.

    Somebody pastes it from a statement, or from what `backup find` printed.
    """
    found = _AS_SQL.fullmatch(name)
    if found is None:
        return name
    return ".".join(_bare(part) for part in (found["space"], found["name"]) if part)


def _bare(part: str) -> str:
    quote = part[0]
    return part[1:-1].replace(quote * 2, quote) if quote in '"`' else part
