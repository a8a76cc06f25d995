"""
The body of a drill's file: what users see, and the steps that a person or the runner follows.

A step is an item of a list that ends with a mark, ``<!-- auto -->``. Its commands are what stands
in a ``sh`` block under it, or else in its backticks: each must leave with the code that the mark
says, 0 by default.

    <!-- auto -->             the runner runs the commands, and so does a person
    <!-- auto: release -->    what only the world does: space comes, the network heals
    <!-- auto: start -->      the server is started until it takes a write
    <!-- check -->            it is run, and has to come out so; `check: exit 1` for another code
    <!-- manual -->           only a person can
    <!-- check: within 30s, mariadb -->   is tried for so long; concerns one engine
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import durations
from ..errors import ConfigError
from ..targets import ENGINES

if TYPE_CHECKING:
    from markdown_it.token import Token

SEEN = "What users see"
DIAGNOSE = "Diagnose"
RECOVER = "Recover"
VERIFY = "Verify"
NEVER = "Never"
SECTIONS = (SEEN, DIAGNOSE, RECOVER, VERIFY, NEVER)
STEPPED = (DIAGNOSE, RECOVER, VERIFY)

WITHIN_MAX_S = 600
_MARK = re.compile(r"<!--\s*(.*?)\s*-->", re.DOTALL)
_EXIT = re.compile(r"\bexit (\d{1,3})\b")
_WITHIN = re.compile(r"\bwithin ([0-9wdhms]+)\b")
_HINT = "Marks: auto, auto: release, auto: start, check, check: exit 1, manual; then an engine."


class Mark(StrEnum):
    """Who does a step."""

    AUTO = "auto"
    CHECK = "check"
    MANUAL = "manual"


class Does(StrEnum):
    """How the runner does an automatic step."""

    COMMANDS = "commands"
    RELEASE = "release"  # the fault's own `lift`
    START = "start"  # the server, again and again, until it takes a write


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step. `engine` is None where it concerns every engine of the drill."""

    section: str
    text: str  # in one line, with its backticks
    mark: Mark
    commands: tuple[str, ...]  # for /bin/sh, each by itself
    line: int
    does: Does = Does.COMMANDS
    exit_code: int = 0
    within_s: int = 0  # how long it is tried again until it leaves with that code
    engine: str | None = None

    @property
    def is_run(self) -> bool:
        """Whether its commands are run; else they are for a person, as all that is in backticks."""
        return self.mark is not Mark.MANUAL and self.does is Does.COMMANDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """The body of a drill's file. `sections` holds the Markdown under each heading."""

    sections: Mapping[str, str]
    steps: tuple[Step, ...]
    lines: Mapping[str, int] = field(default_factory=dict)  # of the headings

    def of(self, engine: str, section: str) -> tuple[Step, ...]:
        """Return the steps of `section` that concern `engine`, in order."""
        return tuple(
            step for step in self.steps if step.section == section and step.engine in {None, engine}
        )


def parse(text: str, path: Path, *, line: int = 1) -> Runbook:
    """
    Return the runbook in `text`, which begins at `line` of the file at `path`.

    Raises `ConfigError`, with file and line, for a section that is missing, there twice, unknown or
    not in its place, and for a step without a mark or with one that nobody knows.
    """
    from markdown_it import MarkdownIt  # noqa: PLC0415  most commands have no runbook to read

    tokens = MarkdownIt("commonmark").parse(text)
    reader = _Reader(path, line)
    headings = list(reader.headings(tokens))
    reader.hold_order([name for name, _ in headings])
    rows = text.splitlines()
    ends = [at for _, at in headings[1:]] + [len(rows)]
    return Runbook(
        sections={
            name: "\n".join(rows[at + 1 : end]).strip()
            for (name, at), end in zip(headings, ends, strict=True)
        },
        steps=tuple(reader.steps(tokens, headings)),
        lines={name: line + at for name, at in headings},
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    path: Path
    first_line: int

    def headings(self, tokens: "Sequence[Token]") -> "Iterator[tuple[str, int]]":
        """Yield the name of each section and its row, which must be one of `SECTIONS`."""
        seen: set[str] = set()
        for at, token in enumerate(tokens):
            if token.type != "heading_open" or token.tag != "h2" or not token.map:
                continue
            name = tokens[at + 1].content
            if name not in SECTIONS:
                near = get_close_matches(name, SECTIONS, 1)
                hint = f"Did you mean {near[0]}?" if near else f"Sections: {', '.join(SECTIONS)}."
                raise self.error(token.map[0], f"no section is called {name!r}", hint)
            if name in seen:
                raise self.error(token.map[0], f"{name!r} is there twice", "Keep one of them.")
            seen.add(name)
            yield name, token.map[0]

    def hold_order(self, names: Sequence[str]) -> None:
        """Raise unless `names` are all the sections, in the order that a person wants them."""
        for name in SECTIONS:
            if name not in names:
                raise self.error(0, f"the section {name!r} is missing", f"Write: ## {name}")
        if tuple(names) != SECTIONS:
            raise self.error(
                0, "the sections are not in order", f"Order them: {', '.join(SECTIONS)}."
            )

    def steps(
        self, tokens: "Sequence[Token]", headings: Sequence[tuple[str, int]]
    ) -> Iterator[Step]:
        """Yield the step of every item of the lists that hold steps."""
        for item in _items(tokens):
            row = item[0].map[0] if item[0].map else 0
            section = next((name for name, at in reversed(headings) if at < row), "")
            if section in STEPPED:
                yield self.step(item, section, row)

    def step(self, item: "Sequence[Token]", section: str, row: int) -> Step:
        """Return the step that `item` holds, from its first token to its last."""
        direct = [token for token in item if token.level <= item[0].level + 2]
        inline = next((token for token in direct if token.type == "inline"), None)
        marks = [mark for token in direct for mark in _MARK.findall(_html(token))]
        if len(marks) != 1:
            many = "no mark" if not marks else f"{len(marks)} marks"
            raise self.error(row, f"the step has {many}", f"End it with one. {_HINT}")
        blocks = [token.content.strip() for token in direct if token.type == "fence"]
        children = (inline.children or []) if inline else []
        spans = [child.content for child in children if child.type == "code_inline"]
        mark, does, said = self.mark(marks[0], row)
        return Step(
            section=section,
            text=" ".join(_MARK.sub("", inline.content if inline else "").split()),
            mark=mark,
            does=does,
            commands=tuple(blocks or spans),
            line=self.first_line + row,
            **said,
        )

    def mark(self, text: str, row: int) -> tuple[Mark, Does, dict[str, Any]]:
        """Return who does it, how, and the rest of what the mark `text` says."""
        said: dict[str, Any] = {}
        kind, *parts = (part.strip() for part in re.split("[:,]", text))
        if kind not in list(Mark):
            raise self.error(row, f"no mark is called {kind!r}", _HINT)
        engines = [part for part in parts if part in ENGINES]
        if engines:
            said["engine"] = engines[0]
        detail = " ".join(part for part in parts if part not in engines[:1])
        if kind == Mark.AUTO and detail in {Does.RELEASE, Does.START}:
            return Mark.AUTO, Does(detail), said
        if kind != Mark.MANUAL:
            if found := _WITHIN.search(detail):
                said["within_s"] = self.within(found[1], row)
            if found := _EXIT.search(detail):
                said["exit_code"] = int(found[1])
            detail = _EXIT.sub("", _WITHIN.sub("", detail)).strip()
        if detail:
            raise self.error(row, f"the mark {kind!r} says what nobody knows: {detail!r}", _HINT)
        return Mark(kind), Does.COMMANDS, said

    def within(self, text: str, row: int) -> int:
        """Return `text` in seconds, which must be bounded."""
        try:
            found = durations.seconds(text)
        except ConfigError as exc:
            raise self.error(row, str(exc), exc.hint or _HINT) from None
        if not 0 < found <= WITHIN_MAX_S:
            raise self.error(
                row, f"within {text} is out of bounds", f"At most {WITHIN_MAX_S} seconds."
            )
        return found

    def error(self, row: int, message: str, hint: str) -> ConfigError:
        """Return the mistake in that row, with its file and line."""
        return ConfigError(f"{self.path}:{self.first_line + row}: {message}", hint=hint)


def _items(tokens: "Sequence[Token]") -> "Iterator[Sequence[Token]]":
    """Yield the tokens of each item of the outermost lists."""
    begun = None
    for at, token in enumerate(tokens):
        if token.type == "list_item_open" and token.level == 1:
            begun = at
        elif token.type == "list_item_close" and token.level == 1 and begun is not None:
            yield tokens[begun:at]


def _html(token: "Token") -> str:
    """Return the HTML that stands directly in `token`: what is in backticks is not."""
    if token.type == "html_block":
        return token.content
    children = token.children or [] if token.type == "inline" else []
    return "".join(child.content for child in children if child.type == "html_inline")
