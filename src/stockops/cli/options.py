"""Options that more than one command takes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from .. import targets
from ..errors import ConfigError, Unreachable
from ..plan import Consent
from ..targets import Target
from . import forms, numbers, paths

Command = TypeVar("Command", bound=Callable[..., Any])

_TRIES_MAX = 20
_YEARS = range(1900, 2100)

config = click.option(
    "--config",
    "config_path",
    envvar="STOCKOPS_CONFIG",
    type=paths.Named(),
    metavar="FILE",
    expose_value=False,
    is_eager=True,
    callback=lambda ctx, _param, value: ctx.meta.__setitem__("stockops.config", value),
    help="The file of targets; without it, the nearest stockops.yaml upward.",
)


def target(command: Command) -> Command:
    """Add ``--target`` and ``--config``; the command gets ``target``, a resolved `Target`."""
    return _one_target(command, "target", _resolve)


def target_when_needed(command: Command) -> Command:
    """Add ``--target``; the command gets ``target``, which gives the `Target` when it is called."""
    return _one_target(command, "target", lambda *given: partial(_resolve, *given))


@dataclass(frozen=True, slots=True)
class Asked:
    """A target that was asked for, and why there is no asking it where it is a lab that is down."""

    target: Target
    why_not: Unreachable | None = None

    def require(self) -> Target:
        """Return the target, or raise why there is no asking it."""
        if self.why_not is not None:
            raise self.why_not
        return self.target


def target_though_down(command: Command) -> Command:
    """Add ``--target``; the command gets ``asked``, an `Asked`, which may be a lab that is down."""
    return _one_target(command, "asked", _ask)


def _one_target(
    command: Command, name: str, read: Callable[[click.Context, click.Parameter, str | None], Any]
) -> Command:
    option = click.option(
        "-t",
        "--target",
        name,
        envvar="STOCKOPS_TARGET",
        metavar="NAME|URL",
        callback=read,
        help="A target of stockops.yaml, a lab that is up, or a URL without a password.",
    )
    return config(option(command))


def was_said(name: str) -> bool:
    """Tell whether the option `name` of this command stood on the command line."""
    source = click.get_current_context().get_parameter_source(name)
    return source is ParameterSource.COMMANDLINE


def targets_of_one(command: Command) -> Command:
    """Add ``--target``, which may be given again; the command gets ``targets``, one at least."""
    option = click.option(
        "-t",
        "--target",
        "targets",
        envvar="STOCKOPS_TARGET",
        multiple=True,
        metavar="NAME|URL",
        callback=lambda ctx, param, values: tuple(
            _resolve(ctx, param, value) for value in values or (None,)
        ),
        help="A target of stockops.yaml, a lab that is up, or a URL without a password; its "
        "replicas after it.",
    )
    return config(option(command))


def repository(command: Command) -> Command:
    """Add ``--repository``; the command gets ``place``, that of stockops.yaml by default."""
    return click.option(
        "--repository",
        "place",
        envvar="STOCKOPS_REPOSITORY",
        metavar="DIRECTORY|S3",
        callback=lambda ctx, _param, value: place_of(ctx, value),
        help="Where backups are kept, a directory or s3://BUCKET/PREFIX; else backup.repository "
        "of stockops.yaml.",
    )(command)


form = forms.form

plan_only = click.option(
    "--plan", "plan_only", is_flag=True, help="Print what would be done, and do nothing."
)


def consent(command: Command) -> Command:
    """Add ``--yes`` and ``--i-mean``; the command gets ``consent``, a `Consent`."""

    def remember(key: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
        def store(ctx: click.Context, _param: click.Parameter, value: Any) -> None:
            given = ctx.meta.setdefault("stockops.consent", {})
            given[key] = value
            ctx.params["consent"] = Consent(**given)

        return store

    yes = click.option(
        "--yes",
        is_flag=True,
        expose_value=False,
        callback=remember("yes"),
        help="Go on although it blocks others or destroys data.",
    )
    meant = click.option(
        "--i-mean",
        metavar="TARGET",
        expose_value=False,
        callback=remember("meant"),
        help="Name the protected target again; --yes is not enough for it.",
    )
    return yes(meant(command))


def tries(default: int) -> Callable[[Command], Command]:
    """Return ``--tries``: how often a lock that others are in the way of is asked for."""
    return click.option(
        "--tries",
        type=click.IntRange(1, _TRIES_MAX),
        default=default,
        show_default=True,
        help="How many times it is tried while others are in the way.",
    )


def newest(statuses: Sequence[str], *, most: int) -> Callable[[Command], Command]:
    """Return ``--status``, ``--symbol`` and ``--limit``: which of the newest rows are shown."""
    status = click.option("--status", type=click.Choice(statuses), help="Only these.")
    symbol = click.option("--symbol", metavar="CODE", help="Only those of this issue.")
    limit = click.option(
        "--limit",
        "row_limit",
        type=click.IntRange(1, most),
        default=50,
        show_default=True,
        help="How many of the newest.",
    )
    return lambda command: status(symbol(limit(command)))


class _Whole(click.types.IntParamType):
    """A whole number that both databases can hold."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return `value` as a number of 64 bits."""
        number = super().convert(value, param, ctx)
        if not -(2**63) <= number < 2**63:
            self.fail(f"{value!r} is more than a whole number of a database holds.", param, ctx)
        return number


WHOLE = _Whole()


class _Day(click.DateTime):
    """A day of a market: from year 1 or 9999 there is no way to the day before or after."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return `value` as a day that can be counted from."""
        day = super().convert(value, param, ctx)
        if not _YEARS.start <= day.year < _YEARS.stop:
            self.fail(f"{value!r} is not from {_YEARS.start} to {_YEARS.stop - 1}.", param, ctx)
        return day


DAY = _Day(["%Y-%m-%d"])


def seconds(
    flag: str,
    *,
    default: float,
    help: str,  # noqa: A002
    most: float = numbers.SECONDS_MAX,
) -> Callable[[Command], Command]:
    """Return an option in seconds; ``--longer-than`` arrives as ``longer_than_s``."""
    return click.option(
        flag,
        flag.removeprefix("--").replace("-", "_") + "_s",
        type=numbers.Range(min=0, most=most),
        default=default,
        show_default=True,
        metavar="SECONDS",
        help=help,
    )


# What the server itself has to count: how long it waits for a lock, when it ends a statement.
server_seconds = partial(seconds, most=numbers.SERVER_SECONDS_MAX)


def _resolve(ctx: click.Context, _param: click.Parameter, value: str | None) -> Target | None:
    if ctx.resilient_parsing:
        return None
    from .. import lab  # noqa: PLC0415  only a command with a target pays for it

    known = targets.load(ctx.meta.get("stockops.config"))
    try:
        return targets.resolve(value, known, find_lab=lab.find)
    except ConfigError:
        found = None if value is None or "://" in value else lab.read(value)
        if found is None or value in known.targets:
            raise
        raise targets.lab_is_down(found.name, found.engine) from None


def _ask(ctx: click.Context, param: click.Parameter, value: str | None) -> Asked | None:
    try:
        found = _resolve(ctx, param, value)
    except Unreachable as exc:
        from .. import lab  # noqa: PLC0415

        known = targets.load(ctx.meta.get("stockops.config"))
        name = known.default if value is None else value
        made = lab.read(name)
        engine = None if made is None else made.engine
        return Asked(targets.of_lab_down(name, known, engine=engine), exc)
    return None if found is None else Asked(found)


def place_of(ctx: click.Context, value: str | None) -> str:
    """Return the repository that was named, or that of stockops.yaml; `ConfigError` for none."""
    if ctx.resilient_parsing:
        return ""
    from ..backups import s3place  # noqa: PLC0415

    if value is None:
        value = s3place.stated(targets.load(ctx.meta.get("stockops.config")).backup)
    if not value:  # nor by "$PLACE" that is not set, which would be the working directory
        raise ConfigError(
            "no repository is named",
            hint="Give --repository DIRECTORY, or write backup: {repository: DIRECTORY} into "
            "stockops.yaml.",
        )
    if s3place.is_one(value):
        return s3place.parse(value).text
    return str(Path(value).expanduser().absolute())
