"""Names of tables as somebody types them."""

import re

from ..errors import ConfigError

_QUOTED = r'"(?:[^"]|"")+"|`(?:[^`]|``)+`'
_AS_SQL = re.compile(rf"(?:(?P<space>{_QUOTED}|[^.\"`]+)\.)?(?P<name>{_QUOTED}|[^.\"`]+)")

_MARKS = re.compile(r"[.\"`]")


def split(name: str) -> tuple[str | None, str]:
    """
    Return the schema or database that `name` names, if it does, and the table.

    Quotes as SQL has them are taken off: somebody pastes it from a statement.
    """
    found = _AS_SQL.fullmatch(name)
    if found is None:
        return None, name
    return found["space"] and _bare(found["space"]), _bare(found["name"])


def as_typed(name: str) -> str:
    """Return the bare name that `name` means, with its schema if that is named."""
    return ".".join(part for part in split(name) if part)


def typed(space: str | None, name: str) -> str:
    """Return what is typed for the table `name`: `split` makes of it what it was."""
    parts = [part for part in (space, name) if part]
    return ".".join(
        '"' + part.replace('"', '""') + '"' if _MARKS.search(part) else part for part in parts
    )


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
