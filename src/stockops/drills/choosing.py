"""Which fault a drill is about, and by what it is injected here."""

from collections.abc import Mapping
from dataclasses import replace

from ..errors import ConfigError, Unsupported
from .faults import FAULTS, Args, Driver, Fault, Needs
from .head import Drill


def chosen_driver(fault: Fault, wanted: str | None) -> str:
    """Return the driver that is used: `wanted`, or the first that works here."""
    drivers: Mapping[str, Driver] = {each.name: each for each in fault.drivers}
    if wanted is not None and wanted not in drivers:
        raise ConfigError(
            f"the fault {fault.name!r} has no driver {wanted!r}",
            hint=f"Known: {', '.join(drivers)}.",
        )
    reasons = []
    for each in [drivers[wanted]] if wanted else drivers.values():
        why = each.why_not()
        if why is None:
            return each.name
        reasons.append(f"{each.name}: {why}")
    raise Unsupported(
        f"nothing here can inject {fault.name!r}: {'; '.join(reasons)}",
        hint="See what works here: stockops drill doctor",
    )


def needs_of(fault: Fault, engine: str, args: Args, driver: str) -> Needs:
    """Return what must stand for `fault` where `driver` injects it."""
    chosen = next(each for each in fault.drivers if each.name == driver)
    return replace(
        fault.needs(engine, args),
        preloaded=chosen.preloaded,
        mounted_by_root=chosen.mounts_by_root,
    )


def fault_of(drill: Drill, engine: str) -> Fault:
    """Return the fault of `drill`; `Unsupported` where `engine` cannot have it."""
    if drill.fault not in FAULTS:
        raise ConfigError(
            f"the drill {drill.id!r} names the fault {drill.fault!r}, which there is not",
            hint="stockops drill doctor lists the faults.",
        )
    fault = FAULTS[drill.fault]
    if engine in fault.without:
        raise Unsupported(f"{drill.id} on {engine}: {fault.without[engine]}")
    if engine not in drill.engines:
        raise Unsupported(f"the drill {drill.id!r} is for {' and '.join(drill.engines)}")
    return fault
