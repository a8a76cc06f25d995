"""``stockops proxy``."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from .. import render
from ..errors import Refused
from ..targets import Target
from . import options

if TYPE_CHECKING:
    from ..proxy.named import Status

_LOOK_S = 0.5

name = click.option(
    "--name", default="proxy", show_default=True, help="Which proxy; two do not collide."
)


def _parsed(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> list[Any]:
    from .. import proxy as the  # noqa: PLC0415

    return [the.parse(value) for value in values]


toxics = click.argument("toxics", nargs=-1, metavar="[TOXIC]...", callback=_parsed)


@click.group()
def proxy() -> None:
    """
    A bad network before a server: slow, lossy, cut, or without the answer to a COMMIT.

    \b
    A TOXIC is one word, with its parts behind a colon:
      latency:ms=200,jitter_ms=50       later; way=up or down is one direction
      bandwidth:kib_per_s=64            no faster than that
      loss:share=0.05                   stalls, as lost segments make them
      black_hole:way=down               nothing arrives; whom=new or existing
      reset:share=0.2                   connections are cut
      refuse                            nobody listens
      slow_close:ms=500                 the end is told late
      lost_reply:count=5                committed, and the answer is lost
      lost_request:share=0.1            lost before the server saw it
    The last two take statement=REGEX, to the end of the word: what a SELECT calls,
    which does not show otherwise.
    """  # noqa: D301  click reads \b as a character


@proxy.command("run")
@toxics
@options.target
@name
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    help="Listen on this port of 127.0.0.1, 0 for a free one; else on a socket of its own.",
)
@click.option(
    "--seed", type=int, help="The same seed loses the same, as far as requests come the same."
)
@click.option("--i-mean", "meant", metavar="TARGET", help="Name the protected target again.")
@options.form
def run_command(
    toxics: list[Any],
    target: Target,
    name: str,
    port: int | None,
    meant: str | None,
    **given: Any,
) -> None:
    """
    Stand before --target until Ctrl-C, and say in the end what was seen.

    Clients that use the printed URL go through it; nobody else notices. The toxics can be changed
    meanwhile: `stockops proxy set`. When this ends, however it ends, the proxy is gone.

    \b
    Examples:
      stockops proxy run -t lab latency:ms=200,jitter_ms=50
      stockops proxy run -t lab 'lost_reply:count=5,statement=place_order'
      stockops trade run -t "$(stockops proxy status --format json | jq -r .[0].url)"
    """  # noqa: D301  click reads \b as a character
    from .. import proxy as the  # noqa: PLC0415
    from ..proxy import named  # noqa: PLC0415

    if target.protected and meant != target.name:
        raise Refused(
            f"through a proxy nobody knows that the target {target.name!r} is protected",
            hint=f"If that is meant, run it again with --i-mean {target.name}.",
        )
    with (
        named.hold(name) as folder,
        _ending() as over,
        the.start(
            the.server_of(target.url),
            engine=target.engine,
            folder=folder,
            listen=port,
            seed=given["seed"],
        ) as made,
    ):
        made.set(*toxics)
        url = made.url(target.url)
        named.tell_url(folder, url)
        click.echo(f"through it: {url}", err=True)
        change = f"stockops proxy set --name {name} TOXIC..."
        click.echo(f"to change:  {change}; to end: Ctrl-C", err=True)
        while made.lives and not over.wait(_LOOK_S):
            pass
        _show([named.status(name)], given["form"])


@proxy.command("set")
@toxics
@name
def set_command(toxics: list[Any], name: str) -> None:
    """
    Put these toxics in force at a proxy that runs, and nothing else.

    \b
    Examples:
      stockops proxy set black_hole
      stockops proxy set latency:ms=50 loss:share=0.02
    """  # noqa: D301  click reads \b as a character
    from ..proxy import control, named, said  # noqa: PLC0415

    control.put(named.control_of(name), toxics)
    click.echo(f"in force: {'; '.join(map(said, toxics)) or 'nothing'}", err=True)


@proxy.command("clear")
@name
def clear_command(name: str) -> None:
    """Take all toxics away: what was held back arrives, and the proxy runs on."""
    from ..proxy import control, named  # noqa: PLC0415

    control.put(named.control_of(name), ())
    click.echo("in force: nothing", err=True)


@proxy.command("status")
@options.form
def status_command(form: render.Format) -> None:
    """Show the proxies that run, what is in force, and what each toxic did."""
    from ..proxy import named  # noqa: PLC0415

    found = named.statuses()
    _show(found, form)
    if not found:
        click.echo("no proxy runs; start one with: stockops proxy run", err=True)


@contextmanager
def _ending() -> Iterator[threading.Event]:
    """Give what is set by Ctrl-C and SIGTERM, which end nothing by themselves meanwhile."""
    over = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, lambda *_: over.set()) for number in numbers]
    try:
        yield over
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _show(found: "list[Status]", form: render.Format) -> None:
    if form == "json":
        click.echo(render.rows(found, form))
        return
    for each in found:
        lines = {
            "through it": each.url,
            "in force": "; ".join(each.toxics) or "nothing",
            "connections": f"{each.connections}, {each.open} open, "
            f"{each.unanswered} without a server, {each.blind} encrypted",
            "answers": f"{each.exchanges}; {each.up_bytes} bytes up, {each.down_bytes} down",
            "it did": ", ".join(each.did) or "nothing",
        }
        click.echo(each.name)
        for what, text in lines.items():
            click.echo(f"  {what:<12}{text}")
