"""``stockops drill doctor``: which faults can be injected here, and by what."""

from dataclasses import dataclass

import click

from .. import render
from ..targets import ENGINES
from . import options


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One driver of a fault; `works` is yes, or why it does not."""

    fault: str
    title: str
    engines: str
    driver: str
    works: str


@click.command("doctor")
@options.form
@click.pass_context
def doctor_command(ctx: click.Context, form: render.Format) -> None:
    """
    Say which faults can be injected on this machine, and what the others lack.

    A fault has one driver or more; the first that works here is taken. Nothing is broken, and no
    server is started. Exits 1 where a fault has no driver that works.

    \b
    Examples:
      stockops drill doctor
      stockops drill doctor --format json | jq '.[] | select(.works != "yes")'
    """  # noqa: D301  click reads \b as a character
    from ..drills.faults import FAULTS  # noqa: PLC0415

    lines = [
        Line(
            fault=name,
            title=fault.title,
            engines=" ".join(each for each in ENGINES if each not in fault.without),
            driver=driver.name,
            works=driver.why_not() or "yes",
        )
        for name, fault in sorted(FAULTS.items())
        for driver in fault.drivers
    ]
    click.echo(render.rows(lines, form))
    able = {each.fault for each in lines if each.works == "yes"}
    ctx.exit(0 if able >= set(FAULTS) else 1)
