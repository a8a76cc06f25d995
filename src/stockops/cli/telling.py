"""``--notify``: what a check found is told by the channels of ``stockops.yaml``."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from .. import notices, targets
from ..errors import ConfigError, StockopsError, Unreachable
from ..notices import Settings, Sighting

_KEY = "stockops.notify"

notify = click.option(
    "--notify",
    is_flag=True,
    expose_value=False,
    callback=lambda ctx, _param, value: ctx.meta.__setitem__(_KEY, value),
    help="Tell what changed by the channels of notify: in stockops.yaml.",
)


def channels_of(ctx: click.Context) -> Settings:
    """Return what stockops.yaml says of notices; `ConfigError` where it names no channel."""
    settings = notices.load(targets.load(ctx.meta.get("stockops.config")).path)
    if not settings.channels:
        raise ConfigError(
            "no channel for notices is named",
            hint="Write notify: {channels: …} into stockops.yaml; see docs/notices.md.",
        )
    return settings


class Teller:
    """Tells what was found about `name`, where ``--notify`` was given; else does nothing."""

    def __init__(self, name: str, settings: Settings | None) -> None:
        self._name = name
        self._settings = settings

    def tell(self, sightings: Sequence[Sighting]) -> bool:
        """Tell `sightings`; say on stderr which channel failed, and return whether none did."""
        if self._settings is None:
            return True
        try:
            done = notices.tell(self._settings, sightings, target=self._name)
        except StockopsError as exc:
            click.echo(f"note: nobody was told: {exc}", err=True)
            return False
        failed = [each for each in done if not each.is_delivered]
        for each in failed:
            click.echo(f"note: {each.channel} was not told: {each.why}", err=True)
        return not failed


def teller(name: str) -> Teller:
    """Return who tells what this command finds; a mistake in ``notify:`` is said at once."""
    ctx = click.get_current_context()
    return Teller(name, channels_of(ctx) if ctx.meta.get(_KEY) else None)


@contextmanager
def failure_told(told: Teller, name: str, title: str) -> Iterator[None]:
    """Tell an error of the block, which found out nothing then: that is no OK."""
    try:
        yield
    except StockopsError as exc:
        is_down = isinstance(exc, Unreachable)
        told.tell(
            [
                Sighting(
                    name=name,
                    state="CRITICAL" if is_down else "UNKNOWN",
                    title=title,
                    message=f"it could not be checked: {exc}",
                    command=exc.hint or "",
                )
            ]
        )
        raise
