"""Whether a line of a runbook is a command of this program: it is parsed, and nothing is run."""

from collections.abc import Sequence

import click

from .main import main


def mistake(words: Sequence[str]) -> str | None:
    """Return what click would say to ``stockops WORDS``; None where it would run."""
    try:
        _understood(list(words))
    except click.ClickException as exc:
        return exc.format_message()
    return None


def _understood(words: list[str]) -> None:
    command: click.Command = main
    context = click.Context(command, info_name="stockops")
    while isinstance(command, click.Group) and words:
        found = command.get_command(context, words[0])
        if found is None:
            raise click.UsageError(f"there is no command {words[0]!r}")
        command, words = found, words[1:]
        context = click.Context(command, parent=context, info_name=command.name)
    if isinstance(command, click.Group):
        raise click.UsageError("a verb is missing")
    values, left, _ = command.make_parser(context).parse_args(words)
    if left and not context.allow_extra_args:
        raise click.UsageError(f"too much: {' '.join(left)}")
    if values.get("help"):
        return
    for param in command.params:
        # Their callbacks would look for targets and files that are not of this machine.
        value = values.get(param.name or "")
        if not isinstance(value, str | bool | int | list | tuple) or value == ():
            if param.required:
                raise click.MissingParameter(ctx=context, param=param)
        elif not (isinstance(param.type, click.Path | click.File) or _is_a_blank(value)):
            param.type_cast_value(context, value)


def _is_a_blank(value: object) -> bool:
    """Tell whether a person is to fill it in, as DATE is in ``--through DATE``."""
    return isinstance(value, str) and value.isalpha() and value.isupper()
