"""The tables a seed fills, in the order of their references, and how each is cut into chunks."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .. import people, prices
from ..prices import Path
from . import intents, opening
from .plan import Material

DONE = "*"  # the name under which seed_chunks keeps that everything is there


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """
    One table. It is made in units (a user, an issue, an account), each of them some rows.

    `rows_each` is the usual number of rows in a unit, for estimates.
    """

    name: str
    why: str
    columns: tuple[str, ...]
    units: Callable[[Material], int]
    lines: Callable[[Material, int, int], list[str]]
    units_per_chunk: int
    rows_each: Callable[[Material], float] = lambda _: 1.0

    def chunks(self, made_of: Material) -> int:
        """Return the number of chunks."""
        return -(-self.units(made_of) // self.units_per_chunk)

    def rows(self, made_of: Material) -> int:
        """Return about how many rows there will be."""
        return round(self.units(made_of) * self.rows_each(made_of))


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of one table, as the text that the engine loads."""

    table: str
    number: int
    rows: int
    sha256: str
    text: bytes


def chunk(made_of: Material, table: Table, number: int) -> Chunk:
    """Make chunk `number` of `table`."""
    first = number * table.units_per_chunk
    count = min(table.units_per_chunk, table.units(made_of) - first)
    lines = table.lines(made_of, first, count)
    text = "".join(lines).encode()
    return Chunk(table.name, number, len(lines), hashlib.sha256(text).hexdigest(), text)


def plain(text: str) -> str:
    """Return `text` as a cell of a line to load."""
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def _audit(made_of: Material, first: int, count: int) -> list[str]:
    del first, count
    plan = made_of.plan
    return [f"1\t{plan.on}\tseed\tplan\t{made_of.fingerprint}\t{plain(plan.text)}\n"]


def _stocks(made_of: Material, first: int, count: int) -> list[str]:
    return [
        f"{i.symbol}\t{i.isin}\t{plain(i.name)}\t{i.market}\t{i.kind}\t{i.status}"
        f"\t{i.listed_shares}\t{i.origin}\n"
        for i in made_of.issues[first : first + count]
    ]


def _prices(made_of: Material, first: int, count: int) -> list[str]:
    return list(_price_lines(made_of, first, count))


def _price_lines(made_of: Material, first: int, count: int) -> Iterator[str]:
    for issue in made_of.issues[first : first + count]:
        path = Path(
            symbol=issue.symbol,
            market=issue.market,
            close_won=issue.close_won,
            listed_shares=issue.listed_shares,
            halted=issue.status != "listed",
        )
        yield from prices.lines(made_of.plan.seed, path, made_of.dates)


def _users(made_of: Material, first: int, count: int) -> list[str]:
    return people.lines(made_of.plan.seed, first, count, names=made_of.names, days=made_of.joined)


def _some_accounts(made_of: Material) -> int:
    return -(-made_of.plan.accounts // intents.EVERY)


TABLES = (
    Table(
        name="audit_log",
        why="who seeded, and by which plan",
        columns=("audit_id", "business_date", "action", "entity", "entity_id", "detail"),
        units=lambda _: 1,
        lines=_audit,
        units_per_chunk=1,
    ),
    Table(
        name="stocks",
        why="the issues of the listing",
        columns=("symbol", "isin", "name", "market", "kind", "status", "listed_shares", "origin"),
        units=lambda made_of: len(made_of.issues),
        lines=_stocks,
        units_per_chunk=10_000,
    ),
    Table(
        name="stock_prices",
        why="daily prices that lead to the closes of the listing",
        columns=(
            "symbol",
            "price_date",
            "open_won",
            "high_won",
            "low_won",
            "close_won",
            "volume",
            "value_won",
        ),
        units=lambda made_of: len(made_of.issues),
        lines=_prices,
        units_per_chunk=200,
        rows_each=lambda made_of: len(made_of.dates),
    ),
    Table(
        name="users",
        why="people who do not exist",
        columns=("user_id", "full_name", "email", "phone", "status", "created_at"),
        units=lambda made_of: made_of.plan.users,
        lines=_users,
        units_per_chunk=50_000,
    ),
    Table(
        name="accounts",
        why="where their cash is",
        columns=(
            "account_id",
            "user_id",
            "broker_id",
            "account_no",
            "kind",
            "status",
            "tax_exempt",
            "cash_won",
            "reserved_won",
            "opened_at",
        ),
        units=lambda made_of: made_of.plan.accounts,
        lines=opening.accounts,
        units_per_chunk=50_000,
    ),
    Table(
        name="positions",
        why="what they hold at the start",
        columns=("account_id", "symbol", "quantity", "cost_won"),
        units=lambda made_of: made_of.plan.accounts,
        lines=opening.positions,
        units_per_chunk=25_000,
        rows_each=lambda _: 2.1,
    ),
    Table(
        name="journal_entries",
        why="where cash and shares come from: the books balance from the first row",
        columns=(
            "journal_id",
            "leg",
            "business_date",
            "account_id",
            "asset",
            "amount",
            "kind",
        ),
        units=lambda made_of: len(made_of.issues) + made_of.plan.accounts,
        lines=opening.journals,
        units_per_chunk=10_000,
        rows_each=lambda _: 6.2,
    ),
    Table(
        name="portfolios",
        why="what some of them want to hold",
        columns=(
            "portfolio_id",
            "user_id",
            "account_id",
            "name",
            "band_bp",
            "cash_bp",
            "status",
            "created_at",
        ),
        units=_some_accounts,
        lines=intents.portfolios,
        units_per_chunk=20_000,
    ),
    Table(
        name="portfolio_targets",
        why="in which weights",
        columns=("portfolio_id", "symbol", "weight_bp"),
        units=_some_accounts,
        lines=intents.targets,
        units_per_chunk=20_000,
        rows_each=lambda _: intents.TARGETS,
    ),
    Table(
        name="predictions",
        why="what a model says",
        columns=(
            "prediction_id",
            "user_id",
            "symbol",
            "model_version",
            "side",
            "confidence",
            "target_won",
            "status",
            "reason",
            "predicted_at",
            "expires_at",
        ),
        units=lambda made_of: -(-made_of.plan.users // 2),
        lines=intents.predictions,
        units_per_chunk=50_000,
    ),
    Table(
        name="conditions",
        why="when to act on it",
        columns=(
            "condition_id",
            "user_id",
            "account_id",
            "symbol",
            "rule",
            "status",
            "expires_at",
            "created_at",
        ),
        units=_some_accounts,
        lines=intents.conditions,
        units_per_chunk=20_000,
    ),
    Table(
        name="notifications",
        why="what they were told",
        columns=(
            "notification_id",
            "user_id",
            "kind",
            "channel",
            "body",
            "status",
            "created_at",
            "sent_at",
        ),
        units=lambda made_of: -(-made_of.plan.users // intents.EVERY),
        lines=intents.notices,
        units_per_chunk=50_000,
    ),
)
BY_NAME = {table.name: table for table in TABLES}
