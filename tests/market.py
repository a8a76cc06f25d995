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
        lines.writerow(
            ["symbol", "name", "market", "kind", "status", "listed_shares", "close_won"]
        )
        lines.writerows(
            [i.symbol, i.name, i.market, i.kind, i.status, i.listed_shares, i.close_won]
            for i in {*halted, *special, *known}
        )
    return SeedPlan(listing=str(path), users=20, accounts=40, days=10)


@dataclass(slots=True)
class Markets:
    """
    Makes databases that hold the small market.

    On PostgreSQL they are copies of one template. MariaDB copies no database; there each is
    migrated and seeded anew.
    """

    plan: SeedPlan
    templates: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def open(self, lab: Lab) -> Iterator[Target]:
        """Give a database of its own for the length of the block."""
        name = f"market_{secrets.token_hex(6)}"
        try:
            yield self._made(lab, name)
        finally:
            with connect(lab.url()) as admin:
                force = " WITH (FORCE)" if lab.engine == "postgresql" else ""
                admin.execute(f"DROP DATABASE IF EXISTS {name}{force}")

    def _made(self, lab: Lab, name: str) -> Target:
        if lab.engine != "postgresql":
            return self._filled(lab, name)
        if lab.name not in self.templates:
            template = f"template_{secrets.token_hex(6)}"
            self._filled(lab, template)
            self.templates[lab.name] = template
        with connect(lab.url()) as admin:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE {self.templates[lab.name]}")
        return Target(name="market", url=lab.url(name), lab=lab.name)

    def _filled(self, lab: Lab, name: str) -> Target:
        with connect(lab.url()) as admin:
            admin.execute(f"CREATE DATABASE {name}")
        target = Target(name="market", url=lab.url(name), lab=lab.name)
        migrations.up(target)
        seeding.run(target, self.plan)
        return target
