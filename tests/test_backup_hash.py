"""Rows whose hash a backup did not wait for: hashed later to the same, or not at all."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from conftest import eventually
from test_backup_content import draw, log

from stockops.backups import (
    comparing,
    content,
    hashing,
    owing,
    proving,
    repository,
    stamps,
    taking,
)
from stockops.backups.manifest import TableContent
from stockops.backups.repository import Repository
from stockops.cli import main
from stockops.engine import connect
from stockops.engine.base import Server
from stockops.errors import Finding, Refused
from stockops.targets import Target


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return repository.make(str(tmp_path / "repository"))


def of(said: Sequence[TableContent], table: str) -> TableContent:
    return next(each for each in said if each.table == table)


def looked_at(server: Server) -> tuple[list[TableContent], list[TableContent]]:
    """What tables hold, and what of that is owed, once a stamp can tell all they hold."""

    def look() -> tuple[list[TableContent], list[TableContent]] | None:
        marks = content.marks(server)
        at_once = content.settled(server, marks)
        owed = content.settled(server, marks, at_once_bytes=0)
        return (at_once, owed) if of(owed, "users").owed else None

    found = eventually(look)
    assert found is not None
    return found


def test_what_is_owed_is_hashed_later_to_the_same_while_tables_grow(market: Target) -> None:
    with connect(market) as server:
        for _ in range(9):
            log(server, draw(server))
        at_once, owed = looked_at(server)
        due = {each.table for each in owed if each.owed}
        assert due >= {"audit_log", "users", "stock_prices"}
        assert comparing.owed(owed) == [each.table for each in owed if each.owed]
        assert comparing.held(owed) == comparing.held(at_once) - len(due)
        for _ in range(5):
            log(server, draw(server))
        later = [content.later(server, each) if each.owed else each for each in owed]
        assert later == at_once
        earlier = of(at_once, "audit_log")
        grown = of(content.settled(server, content.marks(server), at_once_bytes=0), "audit_log")
        built = content.later(server, grown, earlier)
        assert built == content.later(server, grown)
        assert built.rows == (earlier.rows or 0) + 5


def test_what_changed_before_it_was_hashed_is_held_to_nothing(market: Target) -> None:
    with connect(market) as server:
        late = draw(server)
        log(server, draw(server))
        _, owed = looked_at(server)
        server.execute("UPDATE users SET full_name = concat(full_name, 'x')")
        log(server, late)
        for table in ("users", "audit_log"):
            found = content.later(server, of(owed, table))
            assert found == TableContent(table=table, rows=None, hash=None)
        assert content.later(server, of(owed, "stock_prices")).rows


def test_what_changes_while_a_backup_is_taken_is_held_to_nothing(market: Target) -> None:
    """PostgreSQL tells by reading all rows, which is left to who hashes them."""
    with connect(market) as server:
        server.execute("CREATE TABLE emptied (n INT)")
        server.execute("INSERT INTO emptied VALUES (1), (2)")

        def stamped() -> content.Marks | None:
            marks = content.marks(server)
            found = [marks.staying[table].stamp for table in ("users", "emptied")]
            return marks if all(found) else None

        marks = eventually(stamped)
        assert marks is not None
        server.execute("UPDATE users SET full_name = concat(full_name, 'x')")
        server.execute("DELETE FROM emptied WHERE n = 1")
        held = content.settled(server, marks, at_once_bytes=0)
        for table in ("users", "emptied"):
            found = of(held, table)
            assert (found.hash, found.owed) == (None, server.engine == "postgresql")
            if found.owed:
                assert content.later(server, found) == TableContent(
                    table=table, rows=None, hash=None
                )
        server.execute("DROP TABLE emptied")


def test_a_stamp_does_not_depend_on_who_is_at_work(market: Target) -> None:
    with connect(market) as server:
        users = hashing.tables(server)["users"]

        def both() -> list[str | None]:
            with content.reading(server):
                now = stamps.moment(server)
                moments = [replace(now, next=now.oldest), replace(now, next=now.oldest + 1)]
                return [stamps.look(server, users, each) for each in moments]

        found = eventually(lambda: None if None in (said := both()) else said)
        assert found is not None
        assert found[0] == found[1]


def test_a_drill_says_what_is_not_hashed_and_hashes_it_where_it_can(
    market: Target, repo: Repository, tmp_path: Path
) -> None:
    with connect(market) as server:
        looked_at(server)
    target = replace(market, name="prod")
    said = taking.take(repo, target, taking.Request(at_once_bytes=0))
    assert "users" in owing.owed(repo, said)
    level = proving.Level("L3", "rows", looked_at=1)
    level.unknown = proving.not_held(said, level, moved_on=False)
    assert level.passed is None
    assert "users" in level.unknown
    assert "users" in run("show", "latest", repo=repo)["manifest"]["owed"]
    config = tmp_path / "stockops.yaml"
    config.write_text(f'targets: {{prod: {{url: "{market.url}"}}}}\n')
    proof = run("drill", "--to", "backup", "--config", str(config), repo=repo)["levels"][3]
    assert proof["passed"], proof
    assert proof["looked_at"] > 20
    assert run("show", "latest", repo=repo)["manifest"]["owed"] == []
    assert run("hash", "-t", market.url, repo=repo) == []


def test_hashing_nothing_is_no_success(market: Target, repo: Repository) -> None:
    with pytest.raises(Finding, match="no physical backup"):
        owing.pay(repo, market)
    dump = taking.take(repo, market, taking.Request(method="logical"))
    done = CliRunner().invoke(
        main, ["backup", "hash", "-t", market.url, "--repository", repo.store.place, dump.id]
    )
    assert (done.exit_code, "no physical backup" in done.output) == (1, True)


def test_only_the_server_itself_is_asked_and_the_next_backup_builds_upon_that(
    market: Target, repo: Repository
) -> None:
    with connect(market) as server:
        looked_at(server)
    first = taking.take(repo, market, taking.Request(at_once_bytes=0))
    backup = repo.backup(first.id)
    with pytest.raises(Refused, match=" is of "):
        owing.pay(repo, market, [replace(backup, system=f"{backup.system}0")])
    if market.engine == "mariadb":
        with connect(market) as server:
            server.execute("UPDATE users SET full_name = concat(full_name, 'x')")
            server.execute("SET GLOBAL server_id = 4711")
            try:
                with pytest.raises(Refused, match="may be a copy of the one"):
                    owing.pay(repo, market)
            finally:
                server.execute(f"SET GLOBAL server_id = {first.settings['server_id']}")
    found = run("hash", "-t", market.url, first.id, repo=repo)
    assert {each["table"] for each in found} == {each.table for each in first.content if each.owed}
    lost = ["users"] if market.engine == "mariadb" else []
    assert [each["table"] for each in found if each["rows"] is None] == lost
    with connect(market) as server:
        before = owing.content_of(repo, first)
        marks = content.marks(server, before)
        assert all(each.prior for each in marks.growing if of(before, each.table.name).watermark)
        assert comparing.compare(server, before) == []


def run(*words: str, repo: Repository) -> Any:
    args = ["backup", *words, "--repository", repo.store.place, "--format", "json"]
    done = CliRunner().invoke(main, args)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)
