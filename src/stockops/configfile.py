"""A YAML file that is read strictly: every mistake is told with its file and line."""

from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from .errors import ConfigError

if TYPE_CHECKING:
    from yaml.nodes import Node

_TAGS = {"str": "text", "bool": "true or false", "int": "a whole number", "map": "a mapping"}

Value = TypeVar("Value")


class Section:
    """One mapping of the file. A key that is absent reads as None, or as an empty section."""

    def __init__(self, file: Path, name: str, node: "Node | None") -> None:
        self._file = file
        self._name = name
        self._node = node
        self._values: dict[str, Node] = {}
        self._lines: dict[str, int] = {}
        for key, value in [] if node is None else node.value:
            text = str(key.value)
            self._lines.setdefault(text, key.start_mark.line + 1)
            if text in self._values:
                raise self._error(key, f"the key {text!r} is there twice", "Keep one of them.")
            self._values[text] = value

    def only(self, known: Iterable[str]) -> "Section":
        """Return this section, or raise at the first key that is not one of `known`."""
        known = tuple(known)
        for key in self._values:
            if key not in known:
                near = get_close_matches(key, known, 1)
                hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}."
                where = f" in {self._name}" if self._name else ""
                raise ConfigError(f"{self.where(key)}: unknown key {key!r}{where}", hint=hint)
        return self

    def where(self, key: str) -> str:
        """Return the file and line of `key`."""
        return f"{self._file}:{self._lines.get(key, 1)}"

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def section(self, key: str) -> "Section":
        """Return the mapping under `key`."""
        node = self._typed(key, "map")
        name = f"{self._name}.{key}" if self._name else key
        return Section(self._file, name, node)

    def text(self, key: str) -> str | None:
        """Return the text under `key`."""
        node = self._typed(key, "str")
        return None if node is None else str(node.value)

    def plain(self, key: str) -> str | None:
        """Return what stands under `key` as it is written: a time, a number or a text."""
        node = self._values.get(key)
        if node is not None and not isinstance(node.value, str):
            raise self._error(node, f"{key!r} wants one value", f"Correct the line of {key}.")
        return None if node is None else str(node.value)

    def parsed(self, key: str, parse: Callable[[str], Value]) -> Value | None:
        """Return what `parse` makes of the plain value under `key`; its mistakes get a place."""
        text = self.plain(key)
        if text is None:
            return None
        try:
            return parse(text)
        except ConfigError as exc:
            raise ConfigError(f"{self.where(key)}: {exc}", hint=exc.hint) from None

    def words(self, key: str) -> tuple[str, ...]:
        """Return the list of words under `key`; absent is empty, and one word is a list of one."""
        node = self._values.get(key)
        if node is None:
            return ()
        items = [node] if isinstance(node.value, str) else node.value
        if node.tag == "tag:yaml.org,2002:map" or not all(isinstance(x.value, str) for x in items):
            raise self._error(node, f"{key!r} wants a list of words", f"Write {key}: [ONE, TWO].")
        return tuple(str(item.value) for item in items)

    def scalar(self, key: str) -> int | float | bool | str | None:
        """Return what stands under `key` as YAML means it: a number, a truth or a text."""
        text = self.plain(key)
        if text is None:
            return None
        kind = self._values[key].tag.removeprefix("tag:yaml.org,2002:")
        if kind == "bool":
            return self.flag(key)
        try:
            return int(text) if kind == "int" else float(text) if kind == "float" else text
        except ValueError:
            return text  # 0o17 and .inf are for somebody else's programs

    def flag(self, key: str) -> bool:
        """Return the truth under `key`; absent is false."""
        node = self._typed(key, "bool")
        return node is not None and str(node.value).lower() in {"true", "yes", "on"}

    def number(self, key: str) -> int | None:
        """Return the whole number under `key`."""
        node = self._typed(key, "int")
        return None if node is None else int(node.value)

    def _typed(self, key: str, tag: str) -> "Node | None":
        node = self._values.get(key)
        if node is not None and node.tag != f"tag:yaml.org,2002:{tag}":
            raise self._error(node, f"{key!r} wants {_TAGS[tag]}", f"Correct the line of {key}.")
        return node

    def _error(self, node: "Node", message: str, hint: str) -> ConfigError:
        return ConfigError(f"{self._file}:{node.start_mark.line + 1}: {message}", hint=hint)


def read(path: Path, *, hint: str = "Start from the example: ops/stockops.yaml") -> Section:
    """Return the top of the file at `path`; an empty file is an empty section."""
    return parse(text_of(path), path, hint=hint)


def text_of(path: Path) -> str:
    """Return the text of the file at `path`, which must be UTF-8."""
    try:
        return path.read_text("utf-8")
    except OSError as exc:
        raise ConfigError(
            f"cannot read {str(path)!r}: {exc.strerror}", hint="Name another file with --config."
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text", hint="Save the file as UTF-8.") from None


def parse(text: str, path: Path, *, hint: str) -> Section:
    """Return the top of `text`, which begins the file at `path`; `hint` is for no mapping."""
    import yaml  # noqa: PLC0415  most commands have no file to read

    try:
        # libyaml, where PyYAML was built with it, takes a tenth of the time.
        node = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark else 1
        raise ConfigError(f"{path}:{line}: {exc.problem}", hint="Correct the YAML there.") from None
    except yaml.YAMLError:
        raise ConfigError(
            f"{path}: holds characters that YAML has no place for", hint="Save it as plain text."
        ) from None
    if node is not None and node.tag != "tag:yaml.org,2002:map":
        raise ConfigError(
            f"{path}:{node.start_mark.line + 1}: the file is not a mapping", hint=hint
        )
    return Section(path, "", node)
