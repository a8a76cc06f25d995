"""Write docs/commands/: a page for each command of stockops, with what `--help` says."""

from collections.abc import Iterator
from pathlib import Path

import click

from stockops.cli.main import NOUNS, main

WIDTH = 90
FOLDER = Path(__file__).resolve().parent.parent / "docs" / "commands"


def pages() -> dict[str, str]:
    """Return the text of every page by its file name."""
    settings = main.context_settings  # what a command calls its help, too
    root = click.Context(main, info_name="stockops", terminal_width=WIDTH, **settings)
    found = {f"{noun}.md": _page(noun, root) for noun in NOUNS}
    index = [f"| [`stockops {noun}`]({noun}.md) | {words} |" for noun, words in NOUNS.items()]
    table = "\n".join(["| command | what it is for |", "|---|---|", *index])
    found["README.md"] = f"# Commands\n\n{table}\n\n{_block(main, root)}\n"
    return found


def _page(noun: str, root: click.Context) -> str:
    command = main.get_command(root, noun)
    assert command, f"{noun} is named in the root command, and is not there"  # noqa: S101
    blocks = [
        f"{'#' * depth} {context.command_path}\n\n{_block(each, context)}"
        for each, context, depth in _tree(command, noun, root)
    ]
    return "\n\n".join(blocks) + "\n"


def _tree(
    command: click.Command, name: str, parent: click.Context, depth: int = 1
) -> Iterator[tuple[click.Command, click.Context, int]]:
    context = click.Context(command, info_name=name, parent=parent, terminal_width=WIDTH)
    yield command, context, depth
    if isinstance(command, click.Group):
        for verb in command.list_commands(context):
            child = command.get_command(context, verb)
            if child and not child.hidden:
                yield from _tree(child, verb, context, depth + 1)


def _block(command: click.Command, context: click.Context) -> str:
    return f"```text\n{command.get_help(context)}\n```"


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for old in FOLDER.glob("*.md"):
        if old.name not in wanted:
            old.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, "utf-8")
