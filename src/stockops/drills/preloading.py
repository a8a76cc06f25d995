"""
What a server asks of the kernel, made slow or refused by a library that it is started with.

It is built here, by the compiler of the system, and needs no right to trace or to limit anybody.
The library does as a small file in the directory of the lab says, which is read again and again.
"""

import errno
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .. import scratch
from ..errors import StockopsError
from ..lab.account import Account
from .inverse import Write

if TYPE_CHECKING:  # the faults use it, and so come after us
    from .faults.base import Spot

DRIVER = "preload"  # what faults call it
COMPILERS = ("cc", "gcc", "clang")
BUILD_S = 60.0
PROBE_S = 10.0
PROBED_MIB = 64
_MIB = 1 << 20
_HELD = "what the library does"  # in a spot's memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """
    One library: `name` is that of its source and of the file that it reads, there and in capitals.

    A file that says `nothing` changes nothing. `does` is what a program does no more as before.
    """

    name: str
    nothing: str
    does: str

    @property
    def source(self) -> Path:
        """The program text that it is built from."""
        return Path(__file__).with_name(f"{self.name}.c")


SYNCS = Library(name="syncs", nothing="0 0\n", does="syncs")
MEMORY = Library(name="memory", nothing="\n", does="gets memory")


def syncs_why_not() -> str | None:
    """Return why no server can be started with `SYNCS` here; None where one can."""
    return _why_not(SYNCS, syncing(error=errno.EIO), ("sync", "."))


def memory_why_not() -> str | None:
    """Return why no server can be started with `MEMORY` here; None where one can."""
    words = ("dd", "if=/dev/zero", "of=/dev/null", f"bs={PROBED_MIB}M", "count=1")
    return _why_not(MEMORY, limiting({os.getpid(): PROBED_MIB * _MIB}), words)


def built(library: Library, directory: Path, account: Account | None = None) -> tuple[str, ...]:
    """
    Build the library in `directory`, which changes nothing yet, and give it to the `account`.

    Return what the environment of the server has to say, as ``NAME=VALUE``.
    """
    shared, control = directory / f"{library.name}.so", directory / library.name
    compiler = _compiler()
    if compiler is None:
        raise StockopsError("there is no C compiler here", hint="apt-get install gcc libc6-dev")
    words = [compiler, "-shared", "-fPIC", "-O1", "-o", str(shared), str(library.source), "-ldl"]
    ran = subprocess.run(words, capture_output=True, text=True, check=False, timeout=BUILD_S)
    if ran.returncode != 0:
        said = ran.stderr.strip().splitlines() or [f"exit {ran.returncode}"]
        raise StockopsError(
            f"{compiler} does not build {library.source.name}: {said[-1]}",
            hint="apt-get install gcc libc6-dev",
        )
    control.write_text(library.nothing, "ascii")
    if account is not None:
        account.own(shared)
        account.own(control)
    return f"LD_PRELOAD={shared}", f"STOCKOPS_{library.name.upper()}={control}"


def syncing(*, late_s: float = 0.0, error: int = 0) -> str:
    """Return what has each sync take `late_s` longer, and fail with `error` where it is one."""
    return f"{late_s * 1e6:.0f} {error}\n"


def limiting(most: Mapping[int, int]) -> str:
    """Return what leaves each process with `most` bytes of addresses, and whom it starts."""
    return "".join(f"{pid} {count}\n" for pid, count in most.items())


def begin(spot: "Spot", library: Library, says: str) -> None:
    """Have the library of the server do what `says` tells."""
    control = spot.lab.directory / library.name
    step = Write.of(control)
    spot.memory[_HELD] = step, spot.undo.arm(step)
    control.write_text(says, "ascii")


def end(spot: "Spot") -> None:
    """Have everything be as before; twice does nothing."""
    step, token = spot.memory.pop(_HELD, (None, None))
    if step is not None:
        step.undo(spot.folder)
        spot.undo.undone(token)


def _why_not(library: Library, says: str, words: Sequence[str]) -> str | None:
    """Return why the program of `words`, of which the library is told, goes on as before."""
    if _compiler() is None:
        return f"there is no C compiler ({', '.join(COMPILERS)}): apt-get install gcc libc6-dev"
    with scratch.directory("preload") as folder:
        try:
            environment = dict(each.split("=", 1) for each in built(library, folder))
        except StockopsError as exc:
            return str(exc)
        usual = _tried(words, folder, environment)
        if usual.returncode != 0:
            said = usual.stderr.strip().splitlines() or [f"exit {usual.returncode}"]
            return f"no program can be started with the library: {said[-1]}"
        (folder / library.name).write_text(says, "ascii")
        if _tried(words, folder, environment).returncode != 0:
            return None
    return f"a program that is started with the library {library.does} as before"


def _tried(
    words: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        words,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=PROBE_S,
        env={**os.environ, **environment, "LC_ALL": "C"},
    )


def _compiler() -> str | None:
    return next((found for name in COMPILERS if (found := shutil.which(name))), None)
