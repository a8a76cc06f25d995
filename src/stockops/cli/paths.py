"""Paths that an option takes. An empty one, as an unset variable leaves it, is no path."""

from pathlib import Path
from typing import Any

import click


class Named(click.Path):
    """A path with a name: to click an empty text is the working directory."""

    def __init__(self, **what: Any) -> None:
        super().__init__(path_type=Path, **what)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return `value` as a path."""
        if value == "":
            self.fail("it is empty, and would be the working directory: name a path.", param, ctx)
        return super().convert(value, param, ctx)
