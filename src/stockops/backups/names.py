"""Names of tables as somebody types them."""

import re

from ..errors import ConfigError

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


def new(name: str) -> str:
    """Return the bare name that `name` means of a table that is made; its schema is not asked."""
    if not name:
        raise ConfigError("the new name is empty", hint="Give one: --as orders_before")
    found = _AS_SQL.fullmatch(name)
    if found is not None and found["space"]:
        raise ConfigError(
            f"{name!r} names a schema, and the copy lies in that of the table it is of",
            hint=f"Leave it out: --as {found['name']}; or quote it all, as SQL does, if that is "
            "the name.",
        )
    return as_typed(name)


def _bare(part: str) -> str:
    quote = part[0]
    return part[1:-1].replace(quote * 2, quote) if quote in '"`' else part
