"""The commands of a runbook's step, as far as they can be judged without running them."""

import re
import shlex
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence

from ..errors import ConfigError

PLACES: Mapping[str, str] = {
    "TARGET": "the server that is in trouble, as stockops.yaml names it",
    "LAB": "the same, where it is a lab",
    "REPLICA": "its replica, as stockops.yaml names it",
    "URL": "the URL of the server",
    "FRONT": "the URL by which orders come",
    "LOGIN": "the user of the programs that are at fault",
    "DATA": "its data directory",
    "REPO": "the repository with its backups",
    "MIGRATIONS": "the folder of the migrations that are rolled out",
}
"""The variables that the runner sets for a step, and that a person exports."""

_SAMPLES = dict.fromkeys(("URL", "FRONT"), "postgresql://localhost/trading")
_VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?")
_INNER = re.compile(r"\$\(([^()]*)\)")
_SINGLE = re.compile(r"'[^']*'")
_ASSIGNED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
_BETWEEN = {"|", "||", "&&", ";", "&", "(", ")", "|&", "\n", ";;"}
_WORDS_BEFORE = {"if", "then", "else", "elif", "while", "until", "do", "!", "{", "time", "exec"}
_WORDS_ALONE = {"fi", "done", "}", "esac", "for"}
_CHECK_S = 10.0


def syntax_mistake(command: str) -> str | None:
    """Return what the shell says to `command`, which it only reads."""
    said = subprocess.run(
        ["/bin/sh", "-n", "-c", command],
        capture_output=True,
        text=True,
        timeout=_CHECK_S,
        check=False,
    )
    return None if said.returncode == 0 else said.stderr.strip().splitlines()[-1]


def calls(command: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of each program that `command` calls, known variables filled in."""
    for inner in _INNER.findall(command):
        yield from calls(inner)
    flat = _INNER.sub("it", command).replace("\\\n", " ")
    for tokens in _rows(flat):
        yield from _calls_of_row(tokens)


def places(command: str) -> set[str]:
    """Return those of `PLACES` that `command` wants."""
    return {name for name in _VARIABLE.findall(command) if name in PLACES}


def unknown_variables(command: str, allowed: Collection[str] = ()) -> list[str]:
    """Return the variables of `command` that nobody sets."""
    bare = _SINGLE.sub("", command)
    set_here = {*PLACES, *allowed, *_ASSIGNED.findall(bare), *re.findall(r"\bfor (\w+) in\b", bare)}
    return sorted({name for name in _VARIABLE.findall(bare) if name not in set_here})


def _rows(text: str) -> Iterator[list[str]]:
    """Yield the tokens of each row; what is quoted may go on in the next ones."""
    begun: list[str] = []
    for row in text.splitlines():
        begun.append(row)
        lexer = shlex.shlex("\n".join(begun), posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        try:
            tokens = list(lexer)
        except ValueError:  # the quotation is not closed yet
            continue
        begun = []
        yield tokens
    if begun:
        raise ConfigError(f"a quotation begins that does not end: {begun[0]}")


def _calls_of_row(tokens: Sequence[str]) -> Iterator[tuple[str, ...]]:
    words: list[str] = []
    skip = False
    for token in [*tokens, ";"]:
        if skip:
            skip = False
        elif token in _BETWEEN:
            if words and words[0] not in _WORDS_ALONE:
                yield tuple(words)
            words = []
        elif token and set(token) <= set("<>&"):
            skip = True  # and the file that it leads to
            if words and words[-1] == "2":
                words.pop()
        elif words or not (token in _WORDS_BEFORE or _ASSIGNED.match(token)):
            words.append(_filled(token))


def _filled(word: str) -> str:
    return _VARIABLE.sub(lambda found: _SAMPLES.get(found[1], found[1].lower()), word)
