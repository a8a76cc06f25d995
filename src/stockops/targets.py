"""
Which database a command talks to, and where its password comes from.

`load` reads ``stockops.yaml``; `resolve` turns what the user typed after ``--target`` into a
`Target`. A password never travels in a URL: argv is seen by everybody in ``ps``, and a file of
targets is meant to be shared.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from . import configfile, passwords
from .configfile import Section
from .errors import ConfigError, Unreachable
from .passwords import Secret

ENGINES = ("postgresql", "mariadb")
DEFAULT_LAB = "lab"
FILE_NAME = "stockops.yaml"
SECTIONS = ("default", "targets", "backup", "health", "notify", "drills", "partitions")
S3_KEYS = (  # of `backup:`, how a repository on S3 is reached
    "endpoint_url",
    "region",
    "profile",
    "credentials_file",
    "immutable_days",
    "immutable_mode",
    "part_mb",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One database that a command can be pointed at. `url` holds no password."""

    name: str
    url: str
    protected: bool = False
    password: Secret | None = None
    lab: str | None = None

    @property
    def engine(self) -> str:
        """The engine the URL names: its scheme."""
        return urlsplit(self.url).scheme

    @property
    def database(self) -> str:
        """The database the URL names, or the empty string."""
        return unquote(urlsplit(self.url).path.lstrip("/"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One target as ``stockops.yaml`` states it: a URL, or the engine of a lab."""

    name: str
    where: str
    url: str | None = None
    lab: str | None = None
    protected: bool = False
    password_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """Where backups go, a directory or ``s3://…``, and how many of each kind are kept."""

    repository: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    keep: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What ``stockops.yaml`` says; `path` is None where there is no file."""

    path: Path | None = None
    default: str = DEFAULT_LAB
    targets: Mapping[str, Entry] = field(default_factory=dict)
    backup: Backup = field(default_factory=Backup)


class RunningLab(Protocol):
    """What `resolve` needs to know about a lab that is up."""

    @property
    def name(self) -> str:
        """The name it was started under."""

    @property
    def engine(self) -> str:
        """The engine it runs."""

    def url(self, database: str = "trading") -> str:
        """Return the URL of `database` in it."""


FindLab = Callable[[str], RunningLab | None]


def protects_lab(known: Config, name: str, *, url: str | None = None) -> bool:
    """Tell whether the lab `name` at `url`, which may be down, is a protected target of `known`."""
    entry = known.targets.get(name)
    if entry is not None and entry.lab is not None and entry.protected:
        return True
    # A target may lead to it by its address, whichever database it names.
    urls = [each.url for each in known.targets.values() if each.protected and each.url]
    return url is not None and any(_place(each)[:-1] == _place(url)[:-1] for each in urls)


def resolve(asked: str | None, config: Config, *, find_lab: FindLab | None = None) -> Target:
    """
    Return the target that `asked` names; the default one where it is None.

    Looked at in this order: a target of `config`, a lab that is up, a URL. `find_lab` looks up a
    running lab by name; it is passed in, because labs are built upon this module.
    """
    name = config.default if asked is None else asked
    if "://" in name:
        return _known(from_url(name), config)
    if entry := config.targets.get(name):
        return _from_entry(entry, find_lab)
    if find_lab and (lab := find_lab(name)):
        return _from_lab(name, lab, protected=protects_lab(config, name, url=lab.url()))
    if name == DEFAULT_LAB:
        raise lab_is_down(name, "postgresql")
    near = _near(name, [*config.targets, DEFAULT_LAB])
    known = ", ".join(sorted({*config.targets, DEFAULT_LAB}))
    raise ConfigError(
        f"no target is called {name!r}",
        hint=f"Did you mean {near[0]}?"
        if near
        else f"Known targets: {known}, and every lab that is up: stockops lab status",
    )


def of_lab_down(name: str, config: Config, *, engine: str | None) -> Target:
    """
    Return the target `name`, a lab that is down, of which nothing but its `engine` may be known.

    Its URL leads nowhere: it is for what is known of a target without asking it.
    """
    entry = config.targets.get(name)
    engine = entry.lab if entry and entry.lab else engine or ENGINES[0]
    return Target(name=name, url=f"{engine}://", protected=protects_lab(config, name), lab=name)


def load(path: Path | None = None) -> Config:
    """
    Read the file of targets at `path`, or the nearest ``stockops.yaml`` upward from here.

    Without a file the only target is the lab called ``lab``. An unknown key, a wrong type or a
    password in a URL is a `ConfigError` that names the file and the line.
    """
    if path is None:
        here = Path.cwd()
        found = (folder / FILE_NAME for folder in (here, *here.parents))
        path = next((file for file in found if file.is_file()), None)
        if path is None:
            return Config()
    root = configfile.read(path).only(SECTIONS)
    entries = root.section("targets")
    found_targets = {
        name: _entry(name, entries.where(name), entries.section(name)) for name in entries
    }
    default = root.text("default") or DEFAULT_LAB
    if default not in {*found_targets, DEFAULT_LAB}:
        near = _near(default, found_targets)
        raise ConfigError(
            f"{root.where('default')}: no target is called {default!r}",
            hint=f"Did you mean {near[0]}?" if near else "Name one of the targets below it.",
        )
    return Config(
        path=path, default=default, targets=found_targets, backup=_backup(root.section("backup"))
    )


def _entry(name: str, where: str, section: Section) -> Entry:
    """Return target `name` as the file states it: a `url` or a `lab`, not both."""
    section.only(("url", "lab", "protected", "password_file"))
    url, lab = section.text("url"), section.text("lab")
    if (url is None) == (lab is None):
        raise ConfigError(
            f"{where}: the target {name!r} needs one of url and lab",
            hint="Write url: postgresql://USER@HOST/DATABASE, or lab: postgresql.",
        )
    if url is not None:
        try:
            check_url(url)
        except ConfigError as exc:
            raise ConfigError(f"{section.where('url')}: {exc}", hint=exc.hint) from None
    if lab is not None and lab not in ENGINES:
        near = _near(lab, ENGINES)
        raise ConfigError(
            f"{section.where('lab')}: no engine is called {lab!r}",
            hint=f"Did you mean {near[0]}?" if near else f"Known: {', '.join(ENGINES)}.",
        )
    file = section.text("password_file")
    return Entry(
        name=name,
        where=where,
        url=url,
        lab=lab,
        protected=section.flag("protected"),
        password_file=None if file is None else Path(file).expanduser(),
    )


def _backup(section: Section) -> Backup:
    section.only(("repository", "keep", *S3_KEYS))
    repository = section.text("repository")
    given = {key: _option(section, key) for key in S3_KEYS if key in section}
    if given and not (repository or "").startswith("s3://"):
        key = next(iter(given))
        raise ConfigError(
            f"{section.where(key)}: {key} is for a repository on S3",
            hint="Write repository: s3://BUCKET/PREFIX, or leave it out.",
        )
    keep = section.section("keep").only(("daily", "weekly", "monthly"))
    return Backup(
        repository=repository,
        options=given,
        keep={kind: keep.number(kind) or 0 for kind in keep},
    )


def _option(section: Section, key: str) -> str:
    """Return the option `key` of a repository on S3 as text; two of them are numbers."""
    if key in {"immutable_days", "part_mb"}:
        return str(section.number(key))
    return section.text(key) or ""


def from_url(url: str, *, name: str | None = None) -> Target:
    """Return the target at `url`, which must be well formed and hold no password."""
    check_url(url)
    password = passwords.from_environment(urlsplit(url).scheme)
    return Target(name=name or url, url=url, password=password)


def check_url(url: str) -> str:
    """Return `url`, or raise `ConfigError`; the message repeats no part that may be a secret."""
    try:
        parts = urlsplit(url)
        _ = parts.port
        query = parse_qs(parts.query, keep_blank_values=True)
    except ValueError:
        raise ConfigError(
            "the target's URL is malformed",
            hint="Write it as postgresql://USER@HOST:PORT/DATABASE; percent-encode odd characters.",
        ) from None
    if parts.password is not None or {"password", "passwd", "sslpassword"} & query.keys():
        raise ConfigError(
            "the target's URL holds a password, which everybody on this machine can read",
            hint="Use password_file: in stockops.yaml, $STOCKOPS_PASSWORD_<TARGET>, "
            "~/.pgpass or ~/.my.cnf.",
        )
    if parts.scheme not in ENGINES:
        near = _near(parts.scheme, ENGINES)
        raise ConfigError(
            f"no engine is called {parts.scheme!r}",
            hint=f"Did you mean {near[0]}://?"
            if near
            else f"A target starts with one of: {', '.join(f'{engine}://' for engine in ENGINES)}.",
        )
    return url


def _known(target: Target, config: Config) -> Target:
    """Give a URL the name and the protection of the target in `config` that it points at."""
    for entry in config.targets.values():
        if entry.url and _place(entry.url) == _place(target.url):
            return replace(target, name=entry.name, protected=entry.protected)
    return target


def _place(url: str) -> tuple[object, ...]:
    """Return what tells one database from another, whoever asks."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    socket = query.get("host") or query.get("unix_socket")
    port = parts.port or {"postgresql": 5432}.get(parts.scheme, 3306)
    return (parts.scheme, socket or parts.hostname, port, parts.path)


def _from_entry(entry: Entry, find_lab: FindLab | None) -> Target:
    if entry.lab is not None:
        lab = find_lab(entry.name) if find_lab else None
        if lab is None:
            raise lab_is_down(entry.name, entry.lab)
        if lab.engine != entry.lab:
            raise ConfigError(
                f"{entry.where}: the lab {entry.name!r} that is up runs {lab.engine}, "
                f"not {entry.lab}",
                hint=f"Write `lab: {lab.engine}`, or give the target another name.",
            )
        return _from_lab(entry.name, lab, protected=entry.protected)
    url = entry.url or ""
    if entry.password_file:
        password: Secret | None = passwords.from_file(entry.password_file, where=entry.where)
    else:
        password = passwords.from_environment(urlsplit(url).scheme, name=entry.name)
    return Target(name=entry.name, url=url, protected=entry.protected, password=password)


def _from_lab(name: str, lab: RunningLab, *, protected: bool) -> Target:
    return Target(name=name, url=lab.url(), protected=protected, lab=lab.name)


def lab_is_down(name: str, engine: str) -> Unreachable:
    """Return what to raise for the lab `name` that is not up, with the command that starts it."""
    command = "stockops lab up"
    if name != DEFAULT_LAB:
        command += f" --name {name}"
    if engine != "postgresql":
        command += f" --engine {engine}"
    return Unreachable(f"the lab {name!r} is not up", hint=f"Start it: {command}")


def _near(name: str, known: Iterable[str]) -> list[str]:
    """Return the one of `known` that was meant, if any."""
    from difflib import get_close_matches  # noqa: PLC0415  an error pays for it

    return get_close_matches(name, [*known], 1)
