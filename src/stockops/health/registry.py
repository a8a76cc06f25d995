"""Which checks there are: those of the package, and those of the folders a user names."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from .. import configfile, queries, targets
from ..configfile import Section
from ..errors import ConfigError, Unsupported
from ..targets import Config
from . import check as one
from . import probes
from .check import Check

HOME = Path(__file__).parent / "checks"
_NEWEST = 1000  # a version that has every variant of a question


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What ``health:`` of stockops.yaml says: more checks, other thresholds, checks to leave."""

    folders: Sequence[Path] = ()
    thresholds: Mapping[str, Section] | None = None
    without: Sequence[str] = ()


def settings(config: Config) -> Settings:
    """Return what ``health:`` of the file of `config` says; folders are relative to that file."""
    if config.path is None:
        return Settings()
    section = configfile.read(config.path).section("health")
    section.only(("checks", "thresholds", "without"))
    folder = section.text("checks")
    found = () if folder is None else (config.path.parent / Path(folder).expanduser(),)
    for path in found:
        if not path.is_dir():
            raise ConfigError(
                f"{section.where('checks')}: there is no folder {str(path)!r}",
                hint="Make it, or take the line away.",
            )
    thresholds = section.section("thresholds")
    return Settings(
        folders=found,
        thresholds={name: thresholds.section(name) for name in thresholds},
        without=tuple((section.text("without") or "").replace(",", " ").split()),
    )


def load(engine: str | None, said: Settings | None = None) -> tuple[Check, ...]:
    """
    Return the checks for `engine`, of both where it is None, by group and name.

    Raises `ConfigError` for a file that is wrong, a name that is there twice, thresholds of a
    check that there is not.
    """
    said = said or Settings()
    found: dict[str, Check] = {}
    for path, home in _files(said.folders):
        check = one.read(path, home=home)
        if check.name in found:
            raise ConfigError(
                f"{path}: there is a check {check.name!r} already",
                hint="Give the file another name; thresholds are changed in stockops.yaml.",
            )
        _there(check, path)
        found[check.name] = check
    for name, section in (said.thresholds or {}).items():
        found[_known(name, found)] = one.adjusted(found[_known(name, found)], section)
    without = {_known(name, found) for name in said.without}
    chosen = [check for check in found.values() if check.name not in without]
    return tuple(
        sorted(
            (check for check in chosen if engine is None or why_not(check, engine) is None),
            key=lambda check: (check.group, check.name),
        )
    )


def reachable() -> Check:
    """Return the check that every run makes."""
    return one.read(HOME / "reachable.yaml")


def chosen(
    checks: Sequence[Check], *, names: Collection[str] = (), groups: Collection[str] = ()
) -> tuple[Check, ...]:
    """Return those of `checks` with a name in `names` or a group in `groups`; all for neither."""
    by_name = {check.name for check in checks}
    by_group = {check.group for check in checks}
    wanted = {_known(name, by_name) for name in names}
    grouped = {_known(name, by_group, "group") for name in groups}
    if not wanted and not grouped:
        return tuple(checks)
    return tuple(check for check in checks if check.name in wanted or check.group in grouped)


def sql(check: Check, engine: str, major: int) -> str:
    """Return the SQL of `check`; `Unsupported` where `engine` has no answer."""
    if check.home is None:
        return queries.text(engine, f"health/{check.question}", major)
    for home in (check.home / engine, check.home):
        if (home / f"{check.question}.sql").is_file():
            # What a user writes takes no parameters, so that a percent is one.
            return queries.text(str(home), check.question or "", major).replace("%", "%%")
    raise Unsupported(f"there is no {engine}/{check.question}.sql for it in {check.home}")


def why_not(check: Check, engine: str) -> str | None:
    """Return why there is no `check` on `engine`, None where there is."""
    if check.engine not in {None, engine}:
        return f"it is about {check.engine}"
    if check.probe:
        return None
    try:
        sql(check, engine, major=_NEWEST)
    except Unsupported as exc:
        return str(exc)
    return None


def _files(folders: Sequence[Path]) -> list[tuple[Path, Path | None]]:
    ours: list[tuple[Path, Path | None]] = [(path, None) for path in sorted(HOME.glob("*.yaml"))]
    return ours + [(path, folder) for folder in folders for path in sorted(folder.glob("*.yaml"))]


def _there(check: Check, path: Path) -> None:
    """Raise where neither engine can answer what `check` asks."""
    if check.probe:
        if check.probe not in probes.PROBES:
            _known(check.probe, probes.PROBES, "probe", where=f"{path}: ")
        return
    for engine in targets.ENGINES:
        if check.home is None or why_not(check, engine) is None:
            return
    raise ConfigError(
        f"{path}: there is no SQL for {check.name!r}",
        hint=f"Write {path.parent}/postgresql/{check.question}.sql, mariadb/ or both.",
    )


def _known(name: str, known: Collection[str], what: str = "check", *, where: str = "") -> str:
    """Return `name`, or raise naming the nearest of `known`."""
    if name in known:
        return name
    near = get_close_matches(name, known, 1)
    raise ConfigError(
        f"{where}no {what} is called {name!r}",
        hint=f"Did you mean {near[0]}?" if near else f"Known: {', '.join(sorted(known))}.",
    )
