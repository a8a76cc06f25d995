"""``--report`` of ``stockops slow digest``."""

from pathlib import Path

import click

from ..slow.digest import Digest
from . import paths


def _writable(ctx: click.Context, _param: click.Parameter, value: Path | None) -> Path | None:
    """Say that the page cannot be written before the logs are read, not after."""
    if value is None or ctx.resilient_parsing:
        return None
    from ..report import check  # noqa: PLC0415  only who wants a page waits for it

    path = value.absolute()
    check(path)
    return path


report_file = click.option(
    "--report",
    type=paths.Named(),
    metavar="FILE",
    callback=_writable,
    help="Write all of it as one HTML file, too.",
)


def write_page(digest: Digest, path: Path | None, *, by: str) -> None:
    """Write the page of `digest` where one is wanted."""
    if path is None:
        return
    from ..report import digestpage  # noqa: PLC0415

    count = digestpage.write_digest(digest, path, by=by)
    size_mb = path.stat().st_size / 1e6
    click.echo(f"{count:,} classes in {path}, {size_mb:,.1f} MB", err=True)
