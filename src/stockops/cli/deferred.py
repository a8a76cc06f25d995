"""A noun whose verbs are read when they are used: each is in a module of its own."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class Deferred(click.Group):
    """A group that has the verb ``digest`` as `digest_command` of the module that is named."""

    def __init__(self, *args: Any, modules: Mapping[str, str], **kwargs: Any) -> None:
        """Take the module of each verb."""
        super().__init__(*args, **kwargs)
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs, sorted."""
        return sorted(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb `cmd_name`; None where there is none."""
        if cmd_name not in self._modules:
            return None
        module = import_module(f"stockops.cli.{self._modules[cmd_name]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command
