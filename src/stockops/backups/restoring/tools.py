"""What every restore uses: an engine's tools on a data directory, and a watch on the phases."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ... import children
from ...lab import Lab
from ...lab.account import Account
from .. import credentials
from ..keys import Identities
from ..manifest import Manifest
from ..repository import Repository
from .planning import Recovery

TOOL_S = 6 * 3600.0
_CHUNK = 1 << 20


@dataclass(slots=True)
class Phases:
    """How long each phase took, in the order they came."""

    seconds: dict[str, float] = field(default_factory=dict)
    seen: Callable[[str], None] | None = None
    began_s: float = field(default_factory=time.monotonic)

    def rest(self, name: str) -> None:
        """Count as the phase `name` what no other took since all began."""
        took = time.monotonic() - self.began_s - sum(self.seconds.values())
        self.seconds[name] = round(took, 3)

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Count the time of the block as the phase `name`."""
        if self.seen is not None:
            self.seen(name)
        began = time.monotonic()
        try:
            yield
        finally:
            took = time.monotonic() - began
            self.seconds[name] = round(self.seconds.get(name, 0.0) + took, 3)


@dataclass(frozen=True, slots=True)
class Tools:
    """What runs the engine's tools on a data directory that is being put together."""

    lab: Lab
    account: Account

    @property
    def log(self) -> Path:
        """Where their words go."""
        return self.lab.log_path

    def run(self, argv: Sequence[str | Path], *, cwd: Path | None = None) -> None:
        """Run `argv` to its end as the account."""
        children.run(
            argv,
            cwd=cwd or self.lab.data,
            log=self.log,
            env=credentials.environment(TMPDIR=str(self.lab.scratch)),
            within_s=TOOL_S,
            switch=self.account.switch,
        )

    def feed(self, argv: Sequence[str | Path], chunks: Iterator[bytes], *, cwd: Path) -> None:
        """Run `argv` as the account, with `chunks` to read."""
        child = children.start(
            argv,
            cwd=cwd,
            log=self.log,
            env=credentials.environment(),
            pipes="w",
            switch=self.account.switch,
        )
        try:
            for chunk in chunks:
                with suppress(BrokenPipeError):  # tar stops reading where the archive says it ends
                    child.stdin.write(chunk)
            with suppress(BrokenPipeError):
                child.stdin.close()
            child.finish(within_s=TOOL_S)
        finally:
            child.end()

    def lines(self, argv: Sequence[str | Path]) -> list[str]:
        """Return what `argv` prints as the account, whatever it leaves with."""
        child = children.start(
            argv,
            cwd=self.lab.data,
            log=self.log,
            env=credentials.environment(),
            pipes="r",
            switch=self.account.switch,
        )
        try:
            return child.stdout.read().decode("utf-8", "replace").splitlines()
        finally:
            child.end()

    def directory(self, path: Path) -> Path:
        """Make the private directory `path` of the account."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.account.own(path)
        return path


def pipe(
    source: Sequence[str | Path],
    sink: Sequence[str | Path],
    *,
    cwd: Path,
    log: Path,
    env: Mapping[str, str],
) -> None:
    """
    Send what `source` prints through `sink`; both must end well.

    Only when the source has is the sink told that this was all: until then it commits nothing.
    """
    reader = children.start(source, cwd=cwd, log=log, env=env, pipes="r")
    writer = children.start(sink, cwd=cwd, log=log, env=env, pipes="w")
    try:
        try:
            while chunk := reader.stdout.read1(_CHUNK):  # type: ignore[attr-defined]
                writer.stdin.write(chunk)
            reader.finish(within_s=TOOL_S)
            writer.stdin.close()
        except BrokenPipeError:
            writer.finish(within_s=TOOL_S)
            raise
        writer.finish(within_s=TOOL_S)
    finally:
        writer.end()
        reader.end()


class Restored(Protocol):
    """
    One engine, as something that is restored by its own tools.

    To add one: write these members, and a line in `filling.ENGINES`.
    """

    def unpack(self) -> Sequence[str]:
        """Return the program that unpacks a stream into its working directory."""

    def places(self, tools: Tools, aside: Path, links: int) -> list[Path]:
        """Return where each of so many links is unpacked; below `aside` what goes again."""

    beside: Sequence[str]  # small objects that belong into the data directory

    def spread(self, tools: Tools, said: Manifest, place: Path) -> Mapping[str, Path]:
        """Return where the other streams of a link in `place` are unpacked, by their names."""

    def assemble(
        self, tools: Tools, places: Sequence[Path], last: Manifest, phases: Phases
    ) -> None:
        """Check what was unpacked, and make one data directory of it."""

    def log_directory(self, lab: Lab) -> Path:
        """Return where the log that is replayed is put."""

    def fetch_more(
        self, repo: Repository, tools: Tools, recovery: Recovery, identities: Identities
    ) -> None:
        """Fetch what else the replay reads."""

    def settings(self, tools: Tools, recovery: Recovery) -> Mapping[str, str]:
        """Return the settings that the server must start with."""

    def finish(self, lab: Lab, recovery: Recovery, phases: Phases) -> None:
        """Bring the started server to the target, and open it."""
