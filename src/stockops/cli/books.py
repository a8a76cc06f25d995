"""``stockops books``."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import click

from .. import audit, counts, durations, render
from .. import books as the_books
from ..books import InvariantResult, record
from ..engine import connect
from ..engine.base import Server
from ..engine.hanging import QUICK_S, answering
from ..errors import StockopsError
from ..notices import Sighting
from ..plan import Consent, check_named
from ..targets import Target
from . import options, telling
from .options import Asked

_KST = timedelta(hours=9)
_TITLE = "The books"  # in notices


@click.group()
def books() -> None:
    """Prove the books: invariants, the audit chain, the folded days."""


@books.command("check")
@options.target_though_down
@options.form
@click.option("--only", "only", multiple=True, metavar="NAME", help="Only this invariant; repeat.")
@telling.notify
@click.option(
    "--self-test",
    "way",
    flag_value="self-test",
    help="Plant corruptions in a copy; each must be caught.",
)
@click.option(
    "--prove", "way", flag_value="prove", help="Check everything, and keep a proof of it."
)
@click.option(
    "--incremental",
    "way",
    flag_value="incremental",
    help="Check what is new since the newest proof.",
)
@click.pass_context
def check_command(
    ctx: click.Context, asked: Asked, form: render.Format, only: tuple[str, ...], way: str | None
) -> None:
    """
    Check every invariant of the books, all in one snapshot.

    Exits 1 when one is violated, and when there was nothing to check: inconclusive is not OK.
    Nothing is written to the database and nothing locked. What all invariants together came to is
    kept for `health check` and the exporter. --self-test breaks a copy in temporary tables, once
    for each corruption, and exits 1 when one goes unnoticed.

    --prove stores, where all of it held, how far the books went and what they added up to, and
    exits 1 where it could not. --incremental starts from there: it holds the proof to its seal and
    all balances to its sums, and asks each invariant of what is new. It does not see a row of the
    proof that was changed in place. Exits 1 where there is no proof, or none of these books.

    --notify tells what changed since the last time by the channels of stockops.yaml, also that the
    books could not be checked; exits 1 where a channel could not be told.
    """
    if way == "prove" and only:
        raise click.UsageError("--prove checks everything: it goes without --only")
    if way == "self-test":
        ctx.exit(_self_test(asked.require(), form, only))
    ctx.exit(_check(asked, form, only, way or "whole"))


@books.command("seal")
@options.target
@options.form
@options.consent
@options.plan_only
@click.option("--sweep", is_flag=True, help="Look for unsealed rows of any age, not recent ones.")
def seal_command(
    target: Target, form: render.Format, consent: Consent, plan_only: bool, sweep: bool
) -> None:
    """
    Append every audit row that has no seal yet to the hash chain.

    A protected target has to be named again with --i-mean.
    """
    if plan_only:
        click.echo(render.rows(audit.seal_steps(sweep=sweep), form))
        return
    check_named("books seal", target=target.name, protected=target.protected, consent=consent)
    with connect(target) as server:
        sealed = audit.Sealed(audit.seal_all(server, sweep=sweep))
    click.echo(render.rows([sealed], form))


@books.command("fold")
@options.target
@options.form
@options.consent
@options.plan_only
@click.option("--through", type=options.DAY, required=True, help="The last date to close.")
def fold_command(
    target: Target, form: render.Format, consent: Consent, plan_only: bool, through: datetime
) -> None:
    """
    Close business dates, and add up the house's entries of them.

    Orders of a closed date are refused from then on; what still rests of it expires. In a lab any
    date can be closed that it has come to, elsewhere only one that is over.
    """
    today = None if target.lab else (datetime.now(UTC) + _KST).date()
    with connect(target) as server:
        if target.lab:
            audit.require_reached(server, through.date())
        if plan_only:
            click.echo(render.rows(audit.fold_steps(server, through.date()), form))
            return
        check_named("books fold", target=target.name, protected=target.protected, consent=consent)
        folded = audit.fold(server, through.date(), today=today)
    click.echo(render.rows([folded], form))


def _check(asked: Asked, form: render.Format, only: tuple[str, ...], way: str) -> int:
    target = asked.target
    told = telling.teller(target.name)
    # A part that holds is not the whole.
    name = ":".join(["books_check", *sorted(only), *(["incremental"] * (way == "incremental"))])
    with telling.failure_told(told, name, _TITLE):
        results, said, done = _WAYS[way](asked.require(), only)
    _progress("")
    click.echo(render.rows(results, form) if form == "json" else checked_table(results))
    click.echo(said, nl=bool(said), err=form == "json" or not done)
    if not only and way != "incremental":
        _keep(target, results)
    heard = told.tell([_sighting(name, results, target)])
    return 0 if the_books.passed(results) and done and heard else 1


@contextmanager
def _sessions(target: Target) -> Iterator[tuple[Server, Server]]:
    """Open the two sessions of a check, whose first question has a bound; the others take long."""
    with connect(target) as server, connect(target) as helper:
        with answering(server, target.name, within_s=QUICK_S):
            the_books.is_traded(server)
        yield server, helper


Checked = tuple[list[InvariantResult], str, bool]  # results, what else to say, all done as asked


def _whole(target: Target, only: tuple[str, ...]) -> Checked:
    with _sessions(target) as (server, helper):
        return (
            the_books.check(server, helper, only=only, seen=lambda r: _progress(r.name)),
            "",
            True,
        )


def _prove(target: Target, only: tuple[str, ...]) -> Checked:
    del only
    with _sessions(target) as (server, helper), connect(target, bulk=True) as writer:
        done = the_books.prove(
            server, writer, helper, now=lambda: datetime.now(UTC), seen=lambda r: _progress(r.name)
        )
    if done.proof is None:
        return done.results, f"no proof was stored: {done.why_not}", False
    said = f"stored as proof {done.proof.proof_id}, up to event {done.proof.event_id}"
    return done.results, said, True


def _incremental(target: Target, only: tuple[str, ...]) -> Checked:
    with _sessions(target) as (server, helper):
        proof, results = the_books.check_since(
            server, helper, only=only, seen=lambda r: _progress(r.name)
        )
    age = datetime.now(UTC) - proof.proven_at.replace(tzinfo=UTC)
    return (
        results,
        f"since proof {proof.proof_id}, a whole check {durations.said(age.total_seconds())} ago "
        f"up to event {proof.event_id}; what was changed in place before that is not seen",
        True,
    )


_WAYS: Mapping[str, Callable[[Target, tuple[str, ...]], Checked]] = {
    "whole": _whole,
    "prove": _prove,
    "incremental": _incremental,
}


def _sighting(name: str, results: Sequence[InvariantResult], target: Target) -> Sighting:
    """Return what the books came to, in one sentence for people."""
    violated = [r for r in results if r.state == "violated"]
    idle = [r for r in results if r.state == "inconclusive"]
    said = f"{len(results) - len(violated) - len(idle)} of {len(results)} invariants held"
    if violated:
        rows = sum(r.violations for r in violated)
        names = ", ".join(r.name for r in violated)
        said += f"; {counts.of(rows, 'row violates', 'rows violate')} {names}"
    if idle:
        said += f"; {len(idle)} had nothing to look at"
    return Sighting(
        name=name,
        state="CRITICAL" if violated else "OK" if the_books.passed(results) else "UNKNOWN",
        title=_TITLE,
        message=said,
        command=f"stockops books check -t {target.name}",
    )


def _keep(target: Target, results: Sequence[InvariantResult]) -> None:
    """Keep what came of a whole check; where that cannot be, the check is worth no less."""
    try:
        record.write(target.name, record.of(results, now=datetime.now(UTC)))
    except StockopsError as exc:
        click.echo(f"note: not kept for health check and the exporter: {exc}", err=True)


def _self_test(target: Target, form: render.Format, only: tuple[str, ...]) -> int:
    _progress("copying the books")
    results = the_books.self_test(target, only=only, seen=lambda r: _progress(r.planted))
    _progress("")
    click.echo(render.rows(results, form))
    missed = [r for r in results if not r.caught]
    if form == "table":
        click.echo(f"{len(results) - len(missed)} of {len(results)} corruptions caught")
    return 1 if missed or not results else 0


def _progress(words: str) -> None:
    """Say on a terminal what was just done, each over the last."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{words}\r", err=True, nl=False)


def checked_table(results: Sequence[InvariantResult]) -> str:
    """Return one line an invariant, the rows that violate one below it, and the verdict."""
    width = max((len(r.name) for r in results), default=0)
    lines = []
    for r in results:
        lines.append(
            f"{r.state:<12}  {r.name:<{width}}  {r.looked_at:>10,} looked at"
            f"  {r.violations:>7,} violations  {r.ms:>6,} ms  {r.note}".rstrip()
        )
        if r.state in {"violated", "inconclusive"}:
            lines.append(f"    {r.title}" if r.looked_at else "    no rows to look at yet")
        lines += [f"    {e.entity}: expected {e.expected}; found {e.found}" for e in r.examples]
        if r.violations > len(r.examples):
            lines.append(f"    and {r.violations - len(r.examples):,} more")
    held = sum(r.state == "held" for r in results)
    verdict = f"{held} of {len(results)} invariants held"
    if idle := sum(r.state == "inconclusive" for r in results):
        verdict += f", {idle} had nothing to look at"
    if unchanged := sum(r.state == "unchanged" for r in results):
        verdict += f", {unchanged} held before and had no new row"
    return "\n".join([*lines, verdict])
