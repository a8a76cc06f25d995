"""A private lab with a market, on which settings are tried one after the other."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from .. import disk, schema, seeding
from .. import lab as labs
from ..engine import connect
from ..engine.base import Server
from ..errors import ConfigError, Fault, ServerError
from ..lab import Lab
from ..seeding import SeedPlan
from ..settings import reloading
from ..targets import Target
from . import copying, load
from .changes import Change, changes, held, strongest
from .moments import Said

SMALL_MARKET = "a small market"
SEED = SeedPlan(users=200, accounts=400, days=20)
_OPTION_FILE = "my.cnf"
_SPEAKING = ("FATAL:", "PANIC:", "[ERROR]", "ERROR:")
_ABORTED = "Aborting"


@dataclass(slots=True)
class Stand:
    """
    A lab and what is set in it.

    `applied` are the changes in force, `base` those that are wherever nothing else is wanted.
    `source` says in words what its data are. Sessions are opened for a question and closed after
    it: the load's clients are forked from this process, which must hold none then.
    """

    lab: Lab
    target: Target
    source: str = SMALL_MARKET
    applied: tuple[Change, ...] = ()
    base: tuple[Change, ...] = ()
    options: str = ""
    log_from: int = 0

    @property
    def version(self) -> str:
        """The engine and its version."""
        return f"{self.lab.engine} {self.lab.version}"

    @property
    def in_memory(self) -> bool:
        """Whether its data lie in memory, so that what a disk costs cannot be measured."""
        return disk.in_memory(self.lab.data)

    def begin_with(self, settings: Mapping[str, str]) -> None:
        """Have `settings` in force from now on, wherever nothing else is wanted of them."""
        found = self.resolve(settings)
        self.base = tuple(each for each in found if each.value != each.before)
        self.apply(())

    def resolve(self, wanted: Mapping[str, str]) -> tuple[Change, ...]:
        """Return what `wanted` takes of this server, on which but the base is applied now."""
        with connect(self.target) as server:
            return changes(self.lab.engine, held(server), wanted, database=self.target.database)

    def in_force(self, names: Sequence[str]) -> dict[str, str]:
        """Return what a new session, as the load opens them, has of the settings `names`."""
        with connect(self.target) as server:
            found = held(server)
        return {name: found[name].value for name in names}

    def apply(self, wanted: Sequence[Change], *, restart: bool = False) -> None:
        """
        Have `wanted` in force, and of what was applied before the base alone.

        Restarts the server where a change takes it, or it is asked for. Raises `ConfigError` where
        the server refuses a value, or does not start with it.
        """
        names = {each.name for each in wanted}
        wanted = [*(each for each in self.base if each.name not in names), *wanted]
        gone = [each for each in self.applied if each not in wanted]
        new = [each for each in wanted if each not in self.applied]
        takes = strongest([*gone, *new])
        if self.lab.engine == "mariadb":
            self._write_options(wanted)
        if (gone or new) and not (self.lab.engine == "mariadb" and takes == "restart"):
            try:
                self._tell(gone, new, reload=takes == "reload")
            except ConfigError:  # a start must not fall over what was refused
                self.applied = tuple(each for each in self.applied if each not in gone)
                if self.lab.engine == "mariadb":
                    self._write_options(self.applied)
                raise
        self.applied = tuple(wanted)
        if restart or takes == "restart":
            self.restart()

    def restart(self) -> None:
        """Stop the server and start it; `ConfigError` where it does not start with its settings."""
        labs.stop(self.lab)
        self.start()

    def start(self, through: Sequence[str] = ()) -> None:
        """Start the server, which is down, through a program that becomes it."""
        self.log_from = self.lab.log_path.stat().st_size
        try:
            self.lab = labs.start(self.lab, through=through)
        except ServerError as exc:
            if not self.applied:
                raise
            said = ", ".join(f"{each.name}={each.value}" for each in self.applied)
            raise ConfigError(
                f"{self.lab.engine} does not start with {said}: {self._last_words()}",
                hint="Take another value.",
            ) from exc

    def settle(self) -> None:
        """Have the server write out what is due, so that the next turn does not pay for it."""
        with connect(self.target) as server:
            load.settle(server)

    def _tell(self, gone: Sequence[Change], new: Sequence[Change], *, reload: bool) -> None:
        with connect(self.target) as server:
            for each in gone:
                if each.back:
                    server.execute(each.back)
            made: list[Change] = []
            try:
                for each in new:
                    if each.put:
                        _put(server, each)
                        made.append(each)
            except ConfigError:
                for each in made:
                    server.execute(each.back)
                raise
            if reload and self.lab.engine == "postgresql":
                reloading.reload(server)

    def _write_options(self, wanted: Sequence[Change]) -> None:
        lines = "".join(f"{each.line}\n" for each in wanted)
        (self.lab.directory / _OPTION_FILE).write_text(self.options + lines, encoding="utf-8")

    def _last_words(self) -> str:
        """Return what the server said as it would not start; its log goes with the lab."""
        with self.lab.log_path.open("rb") as file:
            file.seek(self.log_from)
            lines = file.read().decode("utf-8", "replace").splitlines()
        told = [
            line.partition(word)[2].strip() for line in lines for word in _SPEAKING if word in line
        ]
        told = [line for line in told if line != _ABORTED]
        return told[0] if told else (lines[-1].strip() if lines else "it says nothing")


def _put(server: Server, change: Change) -> None:
    """Make one change; `ConfigError` where the server refuses the value."""
    try:
        server.execute(change.put)
    except ServerError as exc:
        if exc.fault in {Fault.LOST, Fault.UNKNOWN}:
            raise
        raise ConfigError(
            f"{server.engine} refuses {change.name}={change.value}: {exc}",
            hint=f"It is {change.before} now; take a value that the server takes.",
        ) from exc


@contextmanager
def stand(
    engine: str, *, said: Said, first: Callable[[Stand], object] = lambda _: None
) -> Iterator[Stand]:
    """
    Give a new lab with a small market, and remove it at the end of the block, whatever happens.

    `said` hears what is being done. `first` is called once the server is up, while it is empty:
    what it raises ends it before the market is made.
    """
    said("start a private server")
    with labs.temporary(engine) as lab:
        target = Target(name=lab.name, url=lab.url(), lab=lab.name)
        first(on(lab, target))
        said("build the schema")
        schema.build(target)
        said("seed the market")
        seeding.run(target, SEED)
        yield on(lab, target)


@contextmanager
def bare(engine: str) -> Iterator[Stand]:
    """Give a new lab without a market, to be asked what a change takes."""
    with labs.temporary(engine) as lab:
        yield on(lab, Target(name=lab.name, url=lab.url(), lab=lab.name))


@contextmanager
def copied(target: Target, *, said: Said) -> Iterator[Stand]:
    """Give a copy of the lab `target`, with its data and its settings, for the block."""
    said(f"make {copy_of(target.lab or '')}")
    with copying.of_lab(target, still=False) as copy:
        yield on(copy.lab, copy.target, source=copy_of(target.lab or ""))


def copy_of(lab: str) -> str:
    """Return the words for a copy of `lab`."""
    return f"a copy of the lab {lab}"


def on(lab: Lab, target: Target, *, source: str = SMALL_MARKET) -> Stand:
    """Return a stand on `lab`, which is up; whoever made the lab removes it."""
    file = lab.directory / _OPTION_FILE
    options = file.read_text("utf-8") if file.exists() else ""
    return Stand(lab, target, source=source, options=options)
