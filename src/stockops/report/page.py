"""Render a result as one HTML page, and put the page where it is wanted."""

import base64
import functools
import hashlib
import os
from pathlib import Path

import jinja2

from .. import disk
from ..errors import ConfigError
from . import charts, figures
from .result import DemoResult

FILE_MODE = 0o644
_BEGINNING = b"<!doctype html"
_BEGINNINGS = {".md": b"#", ".json": b"{"}
_BEGINNING_BYTES = 100


def render(result: DemoResult) -> str:
    """Return the page; every name in it is text, whatever it holds."""
    page = templates().get_template("page.html")
    return page.render(
        run=result,
        throughput=charts.throughput(result.seconds),
        latency=charts.latency(result.latency),
        symbols=charts.symbols(result.symbols),
        outcomes=charts.outcomes(result.outcomes),
        steps=charts.steps(result.steps),
        tried=None if result.index is None else charts.tried(result.index),
    )


def write(result: DemoResult, path: Path) -> None:
    """Write the page to `path`, whole or not at all; folders on the way are made."""
    write_text(render(result), path)


def write_text(text: str, path: Path) -> None:
    """Write `text` to `path`, whole or not at all."""
    check(path)
    try:
        disk.write_whole(path, text.encode(), mode=FILE_MODE)
    except OSError as exc:
        raise _unwritable(path, exc) from exc


def check(path: Path) -> None:
    """Raise `ConfigError` where `write` could not write `path`; make the folders on the way."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise _unwritable(path, exc) from exc
    if path.is_file() and not _begins_as_a_report(path):
        raise ConfigError(
            f"{str(path)!r} is there and is no report: it is not written over",
            hint="Name another file, or remove that one.",
        )
    if path.is_dir() or not os.access(path.parent, os.W_OK | os.X_OK):
        reason = "it is a directory" if path.is_dir() else "its directory cannot be written"
        raise ConfigError(f"cannot write the report {str(path)!r}: {reason}", hint=_HINT)


def _begins_as_a_report(path: Path) -> bool:
    """Tell whether the file `path` is empty, or begins as a report with that ending does."""
    try:
        with path.open("rb") as file:
            begins = file.read(_BEGINNING_BYTES).lstrip().lower()
    except OSError as exc:
        raise _unwritable(path, exc) from exc
    return not begins or begins.startswith(_BEGINNINGS.get(path.suffix, _BEGINNING))


_HINT = "Name a file in a directory you can write: --report out/demo.html"


def _unwritable(path: Path, exc: OSError) -> ConfigError:
    return ConfigError(f"cannot write the report {str(path)!r}: {exc.strerror}", hint=_HINT)


@functools.cache
def templates() -> jinja2.Environment:
    """Return the templates of this package, and what they know how to write."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("stockops.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        count=figures.count,
        won=figures.won,
        seconds=figures.seconds,
        latency=figures.latency,
    )
    environment.globals.update(
        WIDTH=charts.WIDTH,
        HEIGHT=charts.HEIGHT,
        LEFT=charts.LEFT,
        RIGHT=charts.RIGHT,
        BASE=charts.BASE,
    )
    return environment


def source(name: str) -> str:
    """Return the text of the template `name` as it stands, to be hashed and embedded."""
    environment = templates()
    if environment.loader is None:
        raise RuntimeError("the templates have no loader")
    return environment.loader.get_source(environment, name)[0]


def hash_of(text: str) -> str:
    """Return the hash by which the policy of a page knows a style or a script of its own."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
