"""``stockops exporter``."""

import json
import signal
import sys
import threading
from datetime import UTC, datetime
from typing import Any, get_args

import click

from ..exporter import Names
from . import options, paths

_PORT = 9988


@click.group()
def exporter() -> None:
    """Metrics for Prometheus, from an exporter that cannot hurt the server it watches."""


names = click.option(
    "--names",
    type=click.Choice(get_args(Names)),
    default="compat",
    show_default=True,
    help="Metric names: the community's of today, its older ones too, or as Prometheus wants them.",
)
target = click.option(
    "-t",
    "--target",
    "own",
    envvar="STOCKOPS_TARGET",
    metavar="NAME|URL",
    help="The target of /metrics: of stockops.yaml, a lab that is up, or a URL without a password.",
)


@exporter.command("serve")
@target
@options.config
@click.option(
    "--listen",
    default=f"127.0.0.1:{_PORT}",
    show_default=True,
    metavar="HOST:PORT",
    help="Where to answer; port 0 takes a free one.",
)
@click.option(
    "--web-config",
    type=paths.Named(),
    metavar="FILE",
    help="TLS and basic auth, in the format of Prometheus' exporter-toolkit; read anew on change.",
)
@click.option(
    "--stop-file",
    type=paths.Named(),
    metavar="FILE",
    help="While this file is there no server is asked; else exporter.stop among the state.",
)
@options.seconds(
    "--slow-every", default=60, help="How often sizes and the like are read, in the background."
)
@names
@click.pass_context
def serve_command(ctx: click.Context, /, own: str | None, listen: str, **given: Any) -> None:
    """
    Answer Prometheus until SIGTERM.

    /metrics is about --target, /probe?target=NAME about any target of stockops.yaml; / is a page
    for people. /healthz says whether this process is well, POST /-/reload (or SIGHUP) reads
    stockops.yaml anew. A target gets 3 connections at most, and an answer is given before
    Prometheus gives up. Nothing is written.

    \b
    Examples:
      stockops exporter serve -t lab
      stockops exporter serve --listen 0.0.0.0:9988 --web-config /etc/stockops/web.yml
    """  # noqa: D301  click reads \b as a character
    from .. import exporter as the  # noqa: PLC0415  it loads the drivers' neighbours
    from .. import overview, state  # noqa: PLC0415
    from .exporter_page import status_page  # noqa: PLC0415

    stop_file = given["stop_file"] or state.folder() / "exporter.stop"
    manner = the.Manner(
        names=given["names"], slow_every_s=given["slow_every_s"], stop_file=stop_file
    )
    source = the.Source(path=ctx.meta.get("stockops.config"), own=own)
    watches = the.Watches(source, manner, _say)
    guard = the.Guard(given["web_config"], _say)
    keeper = overview.Keeper(watches, _say)
    routes = {**the.routes(watches), "/": status_page(keeper)}
    server = the.WebServer(_address(listen), routes, guard=guard, say=_say)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    signal.signal(
        signal.SIGHUP, lambda *_: threading.Thread(target=_reload, args=[watches]).start()
    )
    scheme = "http" if guard.web().tls is None else "https"
    host, port = server.server_address[:2]
    _say(
        f"{watches.own}: {scheme}://{_host(str(host))}:{port}/metrics; to pause: touch {stop_file}"
    )
    try:
        server.serve_forever()
    finally:
        server.finish()
        keeper.close()
        watches.close()
    _say("stopped")


@exporter.command("once")
@target
@options.config
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "openmetrics", "json"]),
    default="text",
    show_default=True,
    help="The formats of Prometheus, or one JSON object a metric with its samples.",
)
@options.seconds("--within", default=30, help="How long the server may take.")
@names
@click.pass_context
def once_command(
    ctx: click.Context, own: str | None, form: str, within_s: float, names: Names
) -> None:
    """
    Print what /metrics would say, the slow values included.

    Exits 3 when the server is not up; what could be found out is printed all the same.

    \b
    Examples:
      stockops exporter once -t lab | promtool check metrics
      stockops exporter once -t prod --format json | jq '.[] | select(.name == "stockops_up")'
    """  # noqa: D301  click reads \b as a character
    from .. import exporter as the  # noqa: PLC0415

    source = the.Source(path=ctx.meta.get("stockops.config"), own=own)
    watches = the.Watches(source, the.Manner(names=names), _say)
    try:
        pieces = watches.get(watches.own).scrape(within_s=within_s, whole=True)
    finally:
        watches.close()
    text = the.render(pieces, form="openmetrics" if form == "openmetrics" else "text").body.decode()
    click.echo(_as_json(text) if form == "json" else text, nl=form == "json")
    ctx.exit(0 if "\nstockops_up 1\n" in text else 3)


def _as_json(text: str) -> str:
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415

    return json.dumps(
        [
            {
                "name": metric.name,
                "kind": metric.type,
                "help": metric.documentation,
                "samples": [
                    {"name": each.name, "labels": each.labels, "value": each.value}
                    for each in metric.samples
                ],
            }
            for metric in text_string_to_metric_families(text)
        ],
        indent=2,
    )


def _reload(watches: Any) -> None:
    from ..errors import StockopsError  # noqa: PLC0415

    try:
        watches.reload()
    except StockopsError as exc:
        _say(f"nothing was changed: {exc}")
    else:
        _say("stockops.yaml was read anew")


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65_535:
        raise click.BadParameter(f"{listen!r} is not HOST:PORT", param_hint="'--listen'")
    return host.strip("[]"), int(port)


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _say(line: str) -> None:
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    click.echo(f"{stamp} {line}", err=True)
    sys.stderr.flush()
