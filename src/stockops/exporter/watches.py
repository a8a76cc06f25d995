"""The targets under watch, by name, as ``stockops.yaml`` has them."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from .. import lab, targets
from ..errors import ConfigError
from ..targets import Config, Target
from .watch import Manner, Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where targets come from: the file, and the one that was named (None is its default)."""

    path: Path | None = None
    own: str | None = None


class Watches:
    """
    A watch for each target, made when somebody first asks for it.

    Raises `ConfigError` where the file is wrong, or the named target is none.
    """

    def __init__(self, source: Source, manner: Manner, say: Callable[[str], None]) -> None:
        self._source = source
        self._say = say
        self._manner = replace(manner, config=lambda: self._config)
        self._lock = threading.Lock()
        self._watches: dict[str, Watch] = {}
        self._config = targets.load(source.path)
        self.own = source.own or self._config.default
        self._engine(self.own, self._config)

    @property
    def config(self) -> Config:
        """What ``stockops.yaml`` said last."""
        return self._config

    def names(self) -> list[str]:
        """Return the names that can be asked for, the own one first."""
        return list(dict.fromkeys([self.own, *self._config.targets]))

    def get(self, name: str) -> Watch:
        """Return the watch of target `name`; `ConfigError` where there is none of that name."""
        with self._lock:
            if name not in self.names():
                known = ", ".join(self.names())
                raise ConfigError(f"no target is called {name!r}", hint=f"Known: {known}.")
            if name not in self._watches:
                self._watches[name] = Watch(
                    lambda: self._find(name),
                    name=name,
                    engine=self._engine(name, self._config),
                    manner=self._manner,
                    say=self._say,
                )
            return self._watches[name]

    def known(self) -> list[Watch]:
        """Return the watches that there are by now."""
        with self._lock:
            return list(self._watches.values())

    def reload(self) -> None:
        """Read the file anew; a target that changed is let go, and found anew when asked for."""
        config = targets.load(self._source.path)
        self._engine(self.own, config)
        with self._lock:
            before, self._config = self._config, config
            over = [
                name
                for name in self._watches
                if before.targets.get(name) != config.targets.get(name)
            ]
            gone = [self._watches.pop(name) for name in over]
        for watch in gone:
            watch.close()

    def close(self) -> None:
        """Let go of all targets."""
        for watch in self.known():
            watch.close()

    def _find(self, name: str) -> Target:
        return targets.resolve(name, self._config, find_lab=lab.find)

    @staticmethod
    def _engine(name: str, config: Config) -> str:
        """Return the engine of target `name`, which need not be up if the file knows it."""
        if entry := config.targets.get(name):
            return entry.lab or targets.from_url(entry.url or "").engine
        return targets.resolve(name, config, find_lab=lab.find).engine
