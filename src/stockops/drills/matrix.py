"""One drill under several combinations of settings: what safety costs, and what it saves."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice, product
from statistics import median

from ..engine import connect
from ..errors import ConfigError, StockopsError
from ..experiments import changes, load
from ..experiments import stand as stands
from ..experiments.load import Load
from ..experiments.stand import Stand
from ..targets import Target
from . import choosing, history, sandbox
from .head import Drill

COMBINATIONS_MAX = 64
MEASURED_S = 3.0
EXAMPLE = "--matrix synchronous_commit=on,off"
_LOOKED_AT = 10  # runs that are kept, to tell how long the next one takes
_USUAL_S = 25.0  # where none is
_EXTRA_S = 3 * MEASURED_S  # the measurement, its warm-up, and the books of so many more orders


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """Settings of one engine: as they were asked for, and as a server says that it has them."""

    wanted: Mapping[str, str]
    in_force: Mapping[str, str]


def parsed(words: Iterable[str]) -> tuple[Mapping[str, str], ...]:
    """
    Return every combination of ``setting=value,value`` words, the last setting changing fastest.

    `ConfigError` for a word that is none, a value that is missing or there twice, and for more
    combinations than anybody waits for.
    """
    of_each: dict[str, list[str]] = {}
    for name, text in changes.parsed(words, example=EXAMPLE).items():
        values = [value.strip() for value in text.split(",")]
        twice = next((value for value in values if values.count(value) > 1), None)
        if not all(values) or twice:
            said = f"has {twice!r} twice" if twice else "has a value that is empty"
            raise ConfigError(f"{name} {said}: {text!r}", hint=f"Write it as {EXAMPLE}.")
        of_each[name] = values
    every = [dict(zip(of_each, values, strict=True)) for values in _product(of_each.values())]
    if len(every) > COMBINATIONS_MAX:
        raise ConfigError(
            f"the values make more than {COMBINATIONS_MAX} combinations",
            hint="Take fewer values; each combination is a drill of its own.",
        )
    return tuple(every)


def _product(values: Iterable[Sequence[str]]) -> Iterable[tuple[str, ...]]:
    return islice(product(*values), COMBINATIONS_MAX + 1)


def checked(
    engines: Sequence[str], wanted: Sequence[Mapping[str, str]]
) -> dict[str, tuple[Combination, ...]]:
    """
    Return the combinations for each engine, after a server of each has had them all in force.

    `ConfigError` for a setting that there is not, or not on each of `engines`, for a value that the
    server refuses, and for one that changes nothing. The servers are made for it, and removed.
    """
    with ExitStack() as stack:
        servers = {each: stack.enter_context(stands.bare(each)) for each in engines}
        return tried_on(servers, wanted)


def tried_on(
    servers: Mapping[str, Stand], wanted: Sequence[Mapping[str, str]]
) -> dict[str, tuple[Combination, ...]]:
    """Return what `checked` does, of servers that there are; the last combination stays."""
    _check_known(servers, wanted)
    return {engine: _tried(bare, wanted) for engine, bare in servers.items()}


def _check_known(servers: Mapping[str, Stand], wanted: Sequence[Mapping[str, str]]) -> None:
    """Raise `ConfigError` for a setting that some of the engines have, and others do not."""
    known = {}
    for engine, bare in servers.items():
        with connect(bare.target) as server:
            known[engine] = changes.held(server)
    for name in wanted[0]:
        having = [engine for engine in known if name in known[engine]]
        if having and len(having) < len(known):
            raise ConfigError(
                f"{name} is a setting of {having[0]} alone, and the drill is for both engines",
                hint=f"Take --engine {having[0]}.",
            )


def _tried(bare: Stand, wanted: Sequence[Mapping[str, str]]) -> tuple[Combination, ...]:
    bare.resolve(wanted[0])  # first of all it says which setting there is not
    before = bare.in_force([*wanted[0]])
    found = []
    for settings in wanted:
        bare.apply(())
        bare.apply(bare.resolve(settings))
        found.append(Combination(wanted=settings, in_force=bare.in_force([*settings])))
    for name, was in before.items():
        has = {each.wanted[name]: each.in_force[name] for each in found}
        same = len({*has.values()}) < len(has)
        if same or (len(has) == 1 and {*has.values()} == {was} and was not in has):
            said = " and with ".join(f"{name}={value}" for value in has)
            raise ConfigError(
                f"{name} is {was} with {said}"
                if len(has) == 1
                else f"{name} is the same with {said}",
                hint="Take another value. What the lab or a session of stockops sets for itself "
                "cannot be tried.",
            )
    return tuple(found)


def require_free(drill: Drill, engine: str, names: Iterable[str]) -> None:
    """Raise `ConfigError` where `drill` sets one of the settings `names` itself."""
    needs = choosing.fault_of(drill, engine).needs(engine, drill.on(engine).args)
    own = sandbox.settings(engine, drill.id, needs)
    for name in names:
        if name in own:
            raise ConfigError(
                f"the drill {drill.id!r} sets {name} itself: {own[name]}",
                hint="Leave it out, or take another drill.",
            )


def measured(target: Target, combination: Combination) -> Load:
    """
    Return what the sandbox at `target` can take: as many orders as the clients get answered.

    `StockopsError` where a session finds other settings than those of the `combination`.
    """
    with connect(target) as server:
        found = changes.held(server)
        for name, value in combination.in_force.items():
            if found[name].value != value:
                raise StockopsError(f"{name} is {found[name].value} in the sandbox, not {value}")
        load.settle(server)
    return load.measure(target, seconds=MEASURED_S)


def expected_s(drill: Drill, engine: str) -> float:
    """Return about how long a run of `drill` takes that tries settings."""
    every = history.names(tried=True)
    kept = [each for each in every if (each.drill, each.engine) == (drill.id, engine)]
    took = []
    for each in kept[-_LOOKED_AT:]:
        record = history.read(each.path)
        if record is not None:
            extra_s = 0.0 if each.mark else _EXTRA_S
            took.append((record.ended_at - record.started_at).total_seconds() + extra_s)
    return median(took) if took else _USUAL_S + _EXTRA_S
