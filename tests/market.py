"""A small market for tests: 48 issues, 20 users, 40 accounts, 10 days of prices, opening books."""

import csv
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from stockops import migrations, seeding
from stockops.engine import connect
from stockops.lab import Lab
from stockops.listing import sample
from stockops.plan import Consent
from stockops.seeding import SeedPlan
from stockops.targets import Target


def small_plan(folder: Path) -> SeedPlan:
    """Write a listing with every kind of issue, halted ones too, and return a plan of it."""
    issues = sample.read().issues
    halted = [issue for issue in issues if issue.status == "halted"][:3]
    special = [issue for issue in issues if issue.kind != "common"][:10]
    known = [issue for issue in issues if issue.kind == "common" and issue.origin == "sample"][:35]
    path = folder / "small.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["symbol", "name", "market", "kind", "status", "listed_shares", "close_won"])
        lines.writerows(
            [i.symbol, i.name, i.market, i.kind, i.status, i.listed_shares, i.close_won]
            for i in {*halted, *special, *known}
        )
    return SeedPlan(listing=str(path), users=20, accounts=40, days=10)


@dataclass(slots=True)
class Markets:
    """
    Makes databases that hold the small market.

    On PostgreSQL they are copies of one template. MariaDB copies no database, and a migration
    takes it longest of all: there a database is used again, emptied and seeded anew. So a test
    leaves the schema as it was.
    """

    plan: SeedPlan
    templates: dict[str, str] = field(default_factory=dict)
    used: dict[str, list[str]] = field(default_factory=dict)

    @contextmanager
    def open(self, lab: Lab) -> Iterator[Target]:
        """Give a database of its own for the length of the block."""
        if lab.engine == "postgresql":
            with self._copy(lab) as target:
                yield target
            return
        free = self.used.setdefault(lab.name, [])
        if free:
            target = _target(lab, free.pop())
            seeding.reset(target, consent=Consent(yes=True))
            seeding.run(target, self.plan)
        else:
            target = self.filled(lab, f"market_{secrets.token_hex(6)}")
        yield target
        free.append(target.database)

    @contextmanager
    def _copy(self, lab: Lab) -> Iterator[Target]:
        if lab.name not in self.templates:
            template = f"template_{secrets.token_hex(6)}"
            self.filled(lab, template)
            self.templates[lab.name] = template
        name = f"market_{secrets.token_hex(6)}"
        with connect(lab.url()) as admin:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE {self.templates[lab.name]}")
        try:
            yield _target(lab, name)
        finally:
            with connect(lab.url()) as admin:
                admin.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def filled(self, lab: Lab, name: str) -> Target:
        """Make a database that stays as long as the lab."""
        with connect(lab.url()) as admin:
            admin.execute(f"CREATE DATABASE {name}")
        target = _target(lab, name)
        migrations.up(target)
        seeding.run(target, self.plan)
        return target


def _target(lab: Lab, name: str) -> Target:
    return Target(name="market", url=lab.url(name), lab=lab.name)
