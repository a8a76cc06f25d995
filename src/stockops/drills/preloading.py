"""
What a server asks of the kernel, made slow or refused by a library that it is started with.

It is built here, by the compiler of the system, and needs no right to trace anybody. The library
does as a small file in the directory of the lab says, which is read again for each call.
"""

import errno
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from .. import scratch
from ..errors import StockopsError
from ..lab.account import Account
from .inverse import Write

if TYPE_CHECKING:  # the faults use it, and so come after us
    from .faults.base import Spot

SYNCS = Path(__file__).with_name("syncs.c")
COMPILERS = ("cc", "gcc", "clang")
BUILD_S = 60.0
PROBE_S = 10.0
_CONTROL = "syncs"  # a file in the directory of the lab
_NAMED_BY = "STOCKOPS_SYNCS"
_HELD = "what the library does"  # in a spot's memory
_NOTHING = "0 0\n"


def why_not() -> str | None:
    """Return why no server can be started with the library here; None where one can."""
    if _compiler() is None:
        return f"there is no C compiler ({', '.join(COMPILERS)}): apt-get install gcc libc6-dev"
    with scratch.directory("preload") as folder:
        try:
            environment = dict(word.split("=", 1) for word in built(folder))
        except StockopsError as exc:
            return str(exc)
        _say(folder, 0, errno.EIO)
        tried = subprocess.run(
            ["sync", str(folder / _CONTROL)],
            capture_output=True,
            text=True,
            check=False,
            timeout=PROBE_S,
            env={**os.environ, **environment, "LC_ALL": "C"},
        )
    if os.strerror(errno.EIO) in tried.stderr:
        return None
    said = tried.stderr.strip().splitlines() or [f"exit {tried.returncode}"]
    return f"a program that is started with the library syncs as before: {said[-1]}"


def built(directory: Path, account: Account | None = None) -> tuple[str, ...]:
    """
    Build the library in `directory`, which changes nothing yet, and give it to the `account`.

    Return what the environment of the server has to say, as ``NAME=VALUE``.
    """
    library, control = directory / "syncs.so", directory / _CONTROL
    compiler = _compiler()
    if compiler is None:
        raise StockopsError("there is no C compiler here", hint="apt-get install gcc libc6-dev")
    words = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SYNCS), "-ldl"]
    ran = subprocess.run(words, capture_output=True, text=True, check=False, timeout=BUILD_S)
    if ran.returncode != 0:
        said = ran.stderr.strip().splitlines() or [f"exit {ran.returncode}"]
        raise StockopsError(
            f"{compiler} does not build {SYNCS.name}: {said[-1]}",
            hint="apt-get install gcc libc6-dev",
        )
    control.write_text(_NOTHING, "ascii")
    if account is not None:
        account.own(library)
        account.own(control)
    return f"LD_PRELOAD={library}", f"{_NAMED_BY}={control}"


def begin(spot: "Spot", *, late_s: float = 0.0, error: int = 0) -> None:
    """Have each sync of the server take `late_s` longer, and fail with `error` where it is one."""
    step = Write.of(spot.lab.directory / _CONTROL)
    spot.memory[_HELD] = step, spot.undo.arm(step)
    _say(spot.lab.directory, late_s, error)


def end(spot: "Spot") -> None:
    """Have the syncs do as before; twice does nothing."""
    step, token = spot.memory.pop(_HELD, (None, None))
    if step is not None:
        step.undo(spot.folder)
        spot.undo.undone(token)


def _say(directory: Path, late_s: float, error: int) -> None:
    (directory / _CONTROL).write_text(f"{late_s * 1e6:.0f} {error}\n", "ascii")


def _compiler() -> str | None:
    return next((found for name in COMPILERS if (found := shutil.which(name))), None)
