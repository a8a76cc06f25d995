"""Values as a person reads them, and as each server takes them."""

from .facts import Kind, Value

_STEPS = ((1024**4, "TB"), (1024**3, "GB"), (1024**2, "MB"), (1024, "kB"))
_SPANS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def shown(value: Value, kind: Kind) -> str:
    """Return `value` with its unit, as a person reads it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, str):
        return value or "(empty)"
    if kind == "bytes" and value > 0:
        return size(value)
    if kind == "seconds" and value > 0:
        for span, unit in _SPANS:
            if value >= span and value % span == 0:
                return f"{value / span:.0f} {unit}"
        return f"{value:g} s" if value >= 1 else f"{value * 1000:g} ms"
    return f"{value:.0f}" if value == int(value) else f"{value:g}"


def size(count: float) -> str:
    """Return a number of bytes in the unit that suits it."""
    for step, unit in _STEPS:
        if count >= step:
            return (
                f"{count / step:,.0f} {unit}"
                if count % step == 0
                else f"{count / step:,.1f} {unit}"
            )
    return f"{count:.0f} B"


def difference(now: Value, wanted: Value, kind: Kind) -> str:
    """Return how far `wanted` is from `now`; nothing for words."""
    if isinstance(now, bool | str) or isinstance(wanted, bool | str):
        return ""
    if now < 0 or wanted < 0:
        return ""
    sign = "+" if wanted >= now else "-"
    text = f"{sign}{shown(abs(wanted - now), kind)}"
    return f"{text} (x{wanted / now:.3g})" if now > 0 and wanted > 0 else text


def postgresql(value: Value, kind: Kind) -> str:
    """Return `value` as PostgreSQL takes it after ``SET name =``; a list is a list of literals."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, str):
        # In one pair of quotes, 'a,b' would be one name with a comma in it.
        parts = [part.strip() for part in value.split(",")] if kind == "list" else [value]
        return ", ".join("'" + part.replace("'", "''") + "'" for part in parts)
    if kind == "bytes" and value > 0:
        for step, unit in ((1024**2, "MB"), (1024, "kB")):
            if value % step == 0:
                return f"'{value // step:.0f}{unit}'"
        return f"'{value:.0f}B'"
    if kind == "seconds" and value > 0:
        return f"'{value:.0f}s'" if value == int(value) else f"'{value * 1000:.0f}ms'"
    return f"{value:.0f}" if value == int(value) else f"{value:g}"


def plain(engine: str, value: Value, kind: Kind) -> str:
    """Return `value` as a person would name it to `engine`, without quotes."""
    if isinstance(value, str):
        return value
    return postgresql(value, kind).strip("'") if engine == "postgresql" else option(value)


def mariadb(value: Value) -> str:
    """Return `value` as MariaDB takes it after ``SET GLOBAL name =``."""
    if isinstance(value, bool):
        return "ON" if value else "OFF"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return f"{value:.0f}" if value == int(value) else f"{value:g}"


def option(value: Value) -> str:
    """Return `value` as a line of MariaDB's option file takes it."""
    if isinstance(value, bool | str):
        return mariadb(value).strip("'")
    for step, unit in ((1024**3, "G"), (1024**2, "M")):
        if value >= step and value % step == 0:
            return f"{value // step:.0f}{unit}"
    return mariadb(value)
