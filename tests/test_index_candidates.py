"""What a statement asks of a table, and the indexes that could serve it: on real tables."""

from dataclasses import replace

import pytest

from stockops.engine.base import Server
from stockops.indexes import candidates as thinking
from stockops.indexes import catalogue, tables
from stockops.indexes.asks import Ask, Fixed, NotUnderstood, Sort, Understood
from stockops.indexes.candidates import Candidate, Key, Shape
from stockops.indexes.parsing import understand

TABLES = (
    "CREATE TABLE deals (id bigint PRIMARY KEY, account_id bigint, state varchar(10), at timestamp "
    "NULL, price bigint, done boolean, note text)",
    "CREATE TABLE owners (id bigint PRIMARY KEY, name varchar(40), user_id bigint)",
)


@pytest.fixture
def made(server: Server) -> Server:
    """Two tables without an index of their own but the primary key."""
    for sql in TABLES:
        server.execute(sql)
    server.execute("CREATE VIEW seen AS SELECT id FROM deals")
    server.execute("CREATE INDEX there ON owners (user_id, name)")
    return server


def ask(server: Server, sql: str) -> Ask:
    """Return what `sql` asks of deals."""
    return next(each for each in read(server, sql).asks if each.table[1] == "deals")


def read(server: Server, sql: str) -> Understood:
    return understand(sql, engine=server.engine, tables=tables.read(server))


def thought_of(server: Server, sql: str) -> list[Candidate]:
    wanted = ask(server, sql)
    table = replace(tables.read(server)[wanted.table], rows=None)  # as if it were large
    return thinking.candidates(wanted, table, engine=server.engine)


def spoken(server: Server, sql: str) -> list[str]:
    return [thinking.described(each.shape) for each in thought_of(server, sql)]


def test_what_is_compared_is_told_apart_by_how(made: Server) -> None:
    found = ask(
        made,
        "SELECT d.price FROM deals AS d JOIN owners AS o ON o.id = d.account_id"
        " WHERE d.state IN ('a', 'b') AND d.done AND 5 < d.price AND d.note LIKE 'x%'"
        " AND d.at IS NULL",
    )
    assert sorted(found.equal) == ["at", "done", "state"]
    assert found.joined == ["account_id"]
    assert sorted(found.ranged) == ["note", "price"]
    assert found.beginnings == ["note"]
    assert sorted(found.needed) == ["account_id", "at", "done", "note", "price", "state"]
    assert Fixed("at", "at IS NULL", is_equal=True) in found.fixed
    assert Fixed("state", "state IN ('a', 'b')", is_equal=False) in found.fixed


@pytest.mark.parametrize(
    "condition",
    ["note LIKE '%x'", "lower(note) = 'x'", "price + 1 = 5", "state <> 'a'", "price = id"],
)
def test_what_no_plain_index_finds_asks_for_none(made: Server, condition: str) -> None:
    found = ask(made, f"SELECT at FROM deals WHERE {condition}")
    assert (found.equal, found.ranged, found.joined) == ([], [], [])


def test_names_are_resolved_through_subqueries_aliases_and_places(made: Server) -> None:
    found = ask(
        made,
        "WITH mine AS (SELECT account_id AS whose, at AS moment FROM deals WHERE state = 'a')"
        " SELECT whose, moment FROM mine WHERE whose = 7 ORDER BY moment DESC LIMIT 5",
    )
    assert sorted(found.equal) == ["account_id", "state"]
    assert found.order == [Sort("at", descending=True)]
    assert ask(made, "SELECT state AS s, count(*) FROM deals GROUP BY 1").grouped == ["state"]


def test_what_comes_from_the_outer_query_is_known_to_the_inner_one(made: Server) -> None:
    sql = "SELECT o.id FROM owners AS o WHERE EXISTS (SELECT 1 FROM deals WHERE account_id = o.id)"
    found = ask(made, sql)
    assert found.equal == ["account_id"]
    assert found.fixed == []


def test_what_changes_rows_is_read_by_its_where_and_never_run(made: Server) -> None:
    found = read(made, "UPDATE deals SET STATE = 'b', price = price + 1 WHERE account_id = 3")
    assert (found.verb, found.writes and found.writes[1]) == ("UPDATE", "deals")
    assert found.sets == ("price", "state")
    assert found.reading is not None
    assert found.reading.startswith("SELECT 1 FROM deals")
    assert found.asks[0].equal == ["account_id"]
    gone = read(made, "DELETE FROM deals WHERE at < '2025-01-01'")
    assert (gone.verb, gone.asks[0].ranged) == ("DELETE", ["at"])
    new = read(made, "INSERT INTO deals (id) VALUES (1), (2)")
    assert (new.verb, new.reading, new.rows) == ("INSERT", None, 2)
    locked = read(made, "SELECT price FROM deals WHERE id = 3 FOR UPDATE")
    assert locked.reading is not None
    assert "UPDATE" not in locked.reading


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("SELECT id FROM seen", "'seen' is no table"),
        ("SELECT nothing FROM deals", "names cannot be resolved"),
        ("SELECT FROM WHERE", "cannot be parsed|names cannot be resolved|is no"),
        ("CALL trade(1)", "it is CALL"),
        ("SELECT place_order(1)", "it calls place_order"),
        ("SELECT 1; SELECT 2", "2 statements"),
        ("DROP TABLE deals", "no SELECT, INSERT, UPDATE or DELETE"),
    ],
)
def test_what_is_not_understood_says_why(made: Server, sql: str, why: str) -> None:
    with pytest.raises(NotUnderstood, match=why):
        read(made, sql)


def test_equality_comes_before_order_and_range(made: Server) -> None:
    found = spoken(
        made, "SELECT * FROM deals WHERE account_id = 1 AND price > 5 ORDER BY at DESC LIMIT 3"
    )
    assert found.index("(account_id, at)") < found.index("(account_id, price)")
    assert found.index("(account_id, price)") < found.index("(account_id)")


def test_a_mixed_order_is_kept_and_one_that_is_all_backwards_is_not_needed(made: Server) -> None:
    assert "(at, price DESC)" in spoken(made, "SELECT * FROM deals ORDER BY at, price DESC LIMIT 9")
    assert "(at, price)" in spoken(made, "SELECT * FROM deals ORDER BY at DESC, price DESC LIMIT 9")


def test_an_index_can_hold_all_that_is_read_where_that_is_little(made: Server) -> None:
    sql = "SELECT price FROM deals WHERE account_id = 1"
    whole = "(account_id) INCLUDE (price)" if made.engine == "postgresql" else "(account_id, price)"
    assert whole in spoken(made, sql)
    assert not any("note" in each for each in spoken(made, sql.replace("price", "price, note")))


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_literal_makes_a_partial_index_and_a_parameter_none(made: Server) -> None:
    sql = "SELECT * FROM deals WHERE state = 'open' AND account_id = 1 ORDER BY at"
    assert "(account_id, at) WHERE state = 'open'" in spoken(made, sql)
    assert not any("WHERE state" in each for each in spoken(made, sql.replace("'open'", "$1")))


@pytest.mark.parametrize("engine", ["mariadb"])
def test_a_long_text_gets_the_prefix_that_tells_its_values_apart(made: Server) -> None:
    made.execute(
        "INSERT INTO deals (id, note) SELECT seq, concat(lpad(seq, 12, '0'), repeat('x', 300))"
        " FROM seq_1_to_2000"
    )
    sql = "SELECT id FROM deals WHERE note = 'x'"
    known = tables.read(made)
    wanted = ask(made, sql)
    known = tables.looked_at(made, known, [(wanted.table, "note")])
    table = replace(known[wanted.table], rows=None)
    found = thinking.candidates(wanted, table, engine=made.engine)
    assert [thinking.described(each.shape) for each in found] == ["(note(16))"]


def test_a_small_table_wants_no_index(made: Server) -> None:
    made.execute("INSERT INTO deals (id) VALUES (1)")
    made.execute("ANALYZE deals" if made.engine == "postgresql" else "ANALYZE TABLE deals")
    wanted = ask(made, "SELECT price FROM deals WHERE account_id = 1")
    table = tables.read(made)[wanted.table]
    assert thinking.candidates(wanted, table, engine=made.engine) == []


def test_what_an_index_does_already_is_not_thought_of_again(made: Server) -> None:
    known = tables.read(made)
    indexes = catalogue.read(made).indexes
    name = next(each for each in known if each[1] == "owners")

    def has(*columns: str, descending: bool = False) -> bool:
        keys = tuple(Key(column, descending) for column in columns)
        return thinking.is_there(Shape(name, keys), indexes)

    assert has("user_id")
    assert has("user_id", "name")
    assert has("user_id", "name", descending=True)
    assert has("id")
    assert not has("name")
    assert not has("user_id", "id")
    assert not thinking.is_there(Shape(name, (Key("user_id"), Key("name", True))), indexes)


def test_the_server_takes_every_statement_and_makes_what_it_says(made: Server) -> None:
    sql = (
        "SELECT price, done FROM deals WHERE state = 'open' AND account_id = 1 AND done"
        " AND price BETWEEN 1 AND 2 ORDER BY at DESC, price LIMIT 4"
    )
    known = tables.read(made)
    found = thought_of(made, sql)
    assert len(found) > 10
    taken: list[str] = []
    for each in found:
        name = thinking.named(each.shape, taken)
        taken.append(name)
        made.execute(thinking.create(each.shape, known[each.shape.table], name, engine=made.engine))
    assert len(set(taken)) == len(found)
    there = catalogue.read(made).indexes
    assert {index.columns for index in there} >= {
        thinking.described(each.shape) for each in found if not each.shape.where
    }


def test_what_is_built_beside_readers_and_writers_is_said_so(made: Server) -> None:
    known = tables.read(made)
    found = thought_of(made, "SELECT * FROM deals WHERE price = 1")[0]
    sql = thinking.create(found.shape, known[found.shape.table], "x", engine=made.engine, live=True)
    assert "CONCURRENTLY" in sql or sql.endswith("ALGORITHM = INPLACE, LOCK = NONE")
    made.execute(sql)
