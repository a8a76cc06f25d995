"""A masked copy holds nobody's data, in no file of it, and is otherwise as its source was."""

import json
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import Labs
from floor import FIRST_DAY, Floor
from hypothesis import given, settings
from hypothesis import strategies as st
from market import Markets

from stockops import audit, books, passwords, plans, queries
from stockops import lab as labs
from stockops.backups import repository, taking
from stockops.backups.streams import Form
from stockops.backups.taking import Request
from stockops.cli import main
from stockops.engine import ENGINES, connect
from stockops.engine.base import Server
from stockops.errors import Fault, Finding, Refused, ServerError
from stockops.experiments import copying as copies
from stockops.lab import Lab
from stockops.passwords import Secret
from stockops.privacy import copying, declarations, keyring, masking, pseudonyms, tokens
from stockops.privacy.copying import Made
from stockops.privacy.keyring import Keyring
from stockops.privacy.pseudonyms import Pseudonyms
from stockops.targets import Target

DECLARED = declarations.load()
NAMES = Pseudonyms(b"a secret of the tests, 32 bytes.")
# What is planted, each where the key says; none of it is anybody's.
PLANTED = {
    "users.full_name": "남궁비밀",
    "users.email": "planted.person@secret-place.kr",
    "users.phone": "010-0987-6543",
    "accounts.account_no": "PLANTED-777-421",
    "portfolios.name": "plan of 남궁비밀 for later",
    "notifications.body": "dear 남궁비밀, your order was filled at noon",
    "conditions.rule": "other.person@secret-place.kr",
    "audit_log.detail": "010-0123-4567",
}
HASH = {"postgresql": "SCRAM-SHA-256$4096:", "mariadb": "*0123456789ABCDEF0123456789ABCDEF01234567"}


@dataclass(frozen=True, slots=True)
class Pair:
    """A source, and what was made of it."""

    source: Target
    copy: Target
    lab: Lab
    made: Made
    ring: Keyring


@pytest.fixture(scope="module", params=sorted(ENGINES))
def pair(
    request: pytest.FixtureRequest,
    all_labs: Labs,
    markets: Markets,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Pair]:
    lab = all_labs.get(str(request.param))
    name = f"masked-{secrets.token_hex(4)}"
    ring = keyring.make(tmp_path_factory.mktemp("keys") / "tokens.key")
    with markets.open(lab) as source:
        with connect(source) as server:
            Floor(server).trade(60, day=FIRST_DAY)
            plant(server)
            tokens.store(server, ring, 1001, Secret("planted-token-for-1001"))
            audit.seal_all(server)
        try:
            with copies.of_lab(source) as copy:
                made = copying.make(copy, name, DECLARED, NAMES, seen=lambda _: None)
            found = labs.require(name)
            target = Target(name=name, url=found.url(source.database), lab=name)
            yield Pair(source, target, found, made, ring)
        finally:
            with connect(source) as server:
                gone = "ROLE planted" if lab.engine == "postgresql" else "USER planted@localhost"
                server.execute(f"DROP {gone}")
            if labs.read(name) is not None:
                labs.destroy(name)


def plant(server: Server) -> None:
    """Put what is planted into the rows of the first user, and a login with a password."""
    of_user = {"users": "user_id", "accounts": "account_id"}
    for place, value in list(PLANTED.items())[:4]:
        table, _, column = place.partition(".")
        server.execute(
            f"UPDATE {table} SET {column} = %(v)s WHERE {of_user[table]} = 1001", {"v": value}
        )
    asks = {"side": "buy", "quantity": 1, "price_band": {"from_won": 1}}
    rule = json.dumps({**asks, "memo": PLANTED["conditions.rule"]})
    draw = "nextval('event_ids')" if server.engine == "postgresql" else "NEXTVAL(event_ids)"
    for sql, value in (
        ("INSERT INTO portfolios (user_id, account_id, name, created_at) VALUES "
         "(1001, 1001, %(v)s, '2025-01-02')", PLANTED["portfolios.name"]),
        ("INSERT INTO notifications (user_id, kind, channel, body, created_at) VALUES "
         "(1001, 'ai_warning', 'email', %(v)s, '2025-01-02')", PLANTED["notifications.body"]),
        ("INSERT INTO conditions (user_id, account_id, symbol, rule, expires_at, created_at) "
         "SELECT 1001, 1001, symbol, %(v)s, '2030-01-02', '2025-01-02' FROM positions "
         "ORDER BY symbol LIMIT 1", rule),
        ("INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, "
         f"detail) VALUES ({draw}, '2025-01-03', 1001, 'note', 'user', '1001', %(v)s)",
         f"남궁비밀 called from {PLANTED['audit_log.detail']}, was told"),
    ):  # fmt: skip
        cast = server.engine == "postgresql" and "rule" in sql
        server.execute(sql.replace("%(v)s", "%(v)s::jsonb") if cast else sql, {"v": value})
    if server.engine == "postgresql":
        server.execute("CREATE ROLE planted LOGIN PASSWORD 'planted'")
    else:
        server.execute(
            f"CREATE USER planted@localhost IDENTIFIED VIA mysql_native_password USING "
            f"'{HASH['mariadb']}'"
        )


def dump(target: Target, folder: Path) -> bytes:
    """A dump of `target` with its roles, as bytes."""
    repo = repository.make(str(folder))
    taking.take(repo, target, Request(method="logical", form=Form(compression="none")))
    return b"".join(each.read_bytes() for each in sorted(folder.rglob("*")) if each.is_file())


def everything(target: Target) -> bytes:
    """All text of all personal and looked-through columns, as a client reads it."""
    names = [*DECLARED.personal, *(n for n, each in DECLARED.excused.items() if each.scrub)]
    with connect(target) as server:
        rows = [
            server.rows(f"SELECT {column} AS it FROM {table}")
            for table, _, column in (each.partition(".") for each in names)
        ]
    return str(rows).encode()


def test_what_was_planted_is_in_the_source_and_in_no_file_of_the_copy(
    pair: Pair, tmp_path: Path
) -> None:
    wanted = [*PLANTED.values(), "남궁비밀"]
    before = everything(pair.source)
    assert not [each for each in wanted if each.encode() not in before]
    after = dump(pair.copy, tmp_path / "repository") + everything(pair.copy)
    assert b"planted" in after  # the role, so that what is searched is a dump with the roles
    assert not [each for each in (*wanted, *HASH.values()) if each.encode() in after]
    source = labs.require(str(pair.source.lab))
    assert holding(source.data, wanted, tmp_path)  # so that what finds nothing could
    assert not holding(pair.lab.directory, wanted, tmp_path)


def holding(directory: Path, wanted: list[str], work: Path) -> list[str]:
    """The files in `directory` that hold one of `wanted`."""
    (work / "wanted").write_text("\n".join(wanted) + "\n", "utf-8")
    words = ["grep", "-r", "-a", "-l", "-F", "-f", str(work / "wanted"), str(directory)]
    found = subprocess.run(
        words, capture_output=True, text=True, timeout=120, check=False, env={"LC_ALL": "C"}
    )
    assert found.returncode < 2 or "No such file" in found.stderr, found.stderr
    return found.stdout.splitlines()


def test_no_original_of_anybody_is_in_the_copy(pair: Pair) -> None:
    with connect(pair.source) as source, connect(pair.copy) as copy:
        for each in DECLARED.personal.values():
            sql = f"SELECT DISTINCT {each.column} AS it FROM {each.table}"
            old, new = ({row["it"] for row in server.rows(sql)} for server in (source, copy))
            assert old
            assert not old & new, each.name


def test_lengths_counts_and_nulls_are_those_of_the_source(pair: Pair) -> None:
    with connect(pair.source) as source, connect(pair.copy) as copy:
        for each in DECLARED.personal.values():
            length = f"char_length({each.column})"
            octets = f"octet_length({each.column})"
            for sql in (
                f"SELECT {length} AS n, {octets} AS b, count(*) AS rows_there FROM {each.table} "
                "GROUP BY 1, 2 ORDER BY 1, 2",
                f"SELECT count(*) AS n FROM {each.table} GROUP BY {each.column} ORDER BY 1",
            ):
                assert source.rows(sql) == copy.rows(sql), each.name


# `it` is a value of the first user: what is planted, or its pseudonym.
ASKED = {
    "users.full_name": "SELECT user_id FROM users WHERE full_name = %(it)s",
    "users.email": "SELECT count(*) AS n FROM users WHERE email <> %(it)s",
    "users.phone": "SELECT u.phone, count(*) AS n FROM users u JOIN accounts a "
    "ON a.user_id = u.user_id WHERE u.phone = %(it)s GROUP BY u.phone",
    "accounts.account_no": "SELECT o.order_id FROM accounts a JOIN orders o "
    "ON o.account_id = a.account_id WHERE a.account_no = %(it)s ORDER BY o.order_id",
    "portfolios.name": "SELECT name, count(*) AS n FROM portfolios WHERE name <> %(it)s "
    "GROUP BY name ORDER BY n",
    "notifications.body": "SELECT u.user_id FROM notifications n JOIN users u "
    "ON u.user_id = n.user_id WHERE n.body = %(it)s",
}


def test_plans_of_the_copy_are_those_of_the_source(pair: Pair) -> None:
    def planned(server: Server, place: str) -> list[tuple[str, str, float | None]]:
        table, _, column = place.partition(".")
        key = "account_id" if table == "accounts" else "user_id"
        said = server.rows(
            f"SELECT max({column}) AS it FROM {table} "
            f"WHERE {key} = 1001 AND char_length({column}) = %(length)s",
            {"length": len(PLANTED[place])},
        )[0]
        assert said["it"], place
        how = "(FORMAT JSON)" if server.engine == "postgresql" else "FORMAT=JSON"
        told = server.rows(f"EXPLAIN {how} {ASKED[place]}", said)
        plan = plans.parse(next(iter(told[0].values())))
        return [(node.label, node.index, node.rows_estimated) for _, node in plans.walk(plan.root)]

    with connect(pair.source) as source, connect(pair.copy) as copy:
        source.execute(queries.text(source.engine, "masking/analyze", source.version[0]))
        for place in ASKED:
            assert planned(copy, place) == planned(source, place), place


def test_the_books_balance_and_the_chain_is_sealed_anew(pair: Pair) -> None:
    with connect(pair.source) as source, connect(pair.copy) as copy:
        before, after = books.check(source), books.check(copy)
        assert [(r.name, r.state, r.looked_at) for r in before] == [
            (r.name, r.state, r.looked_at) for r in after
        ]
        assert not [r.name for r in after if r.state == "violated"]
        seals = len(source.rows("SELECT seal_no FROM audit_seals"))
        assert pair.made.audit_chain == f"sealed anew, {seals} rows"
        with pytest.raises(ServerError) as refused:
            copy.execute("UPDATE audit_log SET detail = 'x'")
        assert refused.value.fault is Fault.REJECTED


def test_the_source_is_as_it_was(pair: Pair) -> None:
    with connect(pair.source) as source:
        row = source.rows("SELECT full_name, email FROM users WHERE user_id = 1001")[0]
        assert list(row.values()) == [PLANTED["users.full_name"], PLANTED["users.email"]]


def test_nobody_can_log_in_to_the_copy_as_to_the_source(pair: Pair) -> None:
    assert pair.made.logins_shut >= 1
    sql = {
        "postgresql": "SELECT rolname AS n FROM pg_authid WHERE rolname = 'planted' "
        "AND (rolcanlogin OR rolpassword IS NOT NULL)",
        "mariadb": "SELECT user AS n FROM mysql.global_priv WHERE user = 'stockops_guest' "
        "OR (user = 'planted' AND json_value(priv, '$.account_locked') IS NULL)",
    }[pair.copy.engine]
    with connect(pair.lab.url()) as server:
        assert not server.rows(sql)


def test_no_key_reads_a_token_of_the_copy(pair: Pair) -> None:
    with connect(pair.source) as source, connect(pair.copy) as copy:
        assert [each.tokens for each in tokens.check(source, pair.ring)] == [1]
        with pytest.raises(Finding, match="account 1001"):
            tokens.check(copy, pair.ring)


def test_a_column_that_is_not_declared_stops_it(market: Target) -> None:
    """What the scan finds would go into the copy as it is."""
    found = DECLARED.personal["users.email"]
    tables = tuple(each for each in DECLARED.tables if each.name != found.table)
    less = declarations.Declarations(DECLARED.path, tables, DECLARED.pseudonyms, DECLARED.excused)
    copy = copies.Copy(lab=labs.require(str(market.lab)), database=market.database, source="it")
    with pytest.raises(Finding, match=r"users\.email"):
        copying.make(copy, "never", less, NAMES, seen=lambda _: None)
    assert labs.read("never") is None


def test_a_chain_without_personal_data_stays_and_the_same_secret_masks_the_same(
    market: Target,
) -> None:
    seals = "SELECT seal_no, chain_hash FROM audit_seals ORDER BY 1"
    users = "SELECT full_name, email, phone FROM users WHERE user_id > 0 ORDER BY user_id"
    with connect(market) as server, logins_kept(market):
        audit.seal_all(server)
        before, chain = server.rows(users), server.rows(seals)
        masked = masking.mask(market, DECLARED, NAMES)
        after = server.rows(users)
        assert (masked.resealed_rows, server.rows(seals)) == (0, chain)
    assert chain
    for old, new in zip(before, after, strict=True):
        assert new["full_name"] == NAMES.make("alike", "name", old["full_name"])
        assert new["phone"].startswith("010-0")
        assert new["email"].endswith(".example")


@contextmanager
def logins_kept(target: Target) -> Iterator[None]:
    """Give the lab, which others use after us, its login over TCP back, as its next start does."""
    lab = labs.require(str(target.lab))
    password = passwords.from_file(lab.tcp_password_file, where="the lab")
    try:
        yield
    finally:
        sql = labs.ENGINES[lab.engine].password_sql(lab.owner, password.reveal())
        labs.run_sql(lab, sql, database=target.database)
    with connect(replace(target, url=lab.url(target.database, tcp=True), password=password)):
        pass


def test_another_secret_gives_other_pseudonyms_and_none_shows_its_secret() -> None:
    other = Pseudonyms(b"another secret of 32 bytes, too.")
    assert NAMES.make("email", "email", "a.b@gmail.com") != other.make(
        "email", "email", "a.b@gmail.com"
    )
    assert "secret" not in repr(NAMES)


@settings(max_examples=30, deadline=None)
@given(st.sets(st.text(st.characters(exclude_categories=["Cs"]), min_size=4, max_size=20)))
def test_no_two_values_get_one_pseudonym_and_each_is_built_as_its_original(
    values: set[str],
) -> None:
    originals = {pseudonyms.mark(each) for each in values}
    pairs = [*pseudonyms.injective(NAMES, "alike", "name", sorted(values), originals)]
    assert len({new for _, new in pairs}) == len(values)
    for old, new in pairs:
        assert len(old) == len(new)
        assert [c for c in old if not c.isalpha() and not c.isdecimal()] == [
            c for c in new if not c.isalpha() and not c.isdecimal()
        ]


def test_too_few_values_are_refused_and_not_doubled() -> None:
    digits = [str(n) for n in range(6)]
    originals = {pseudonyms.mark(each) for each in digits}
    with pytest.raises(Refused, match="too few values"):
        list(pseudonyms.injective(NAMES, "alike", "pin", digits, originals))


def test_the_command_plans_and_does_not_take_the_name_of_a_lab(lab: Lab) -> None:
    words = ["privacy", "mask", "-t", lab.name, "--to"]
    planned = CliRunner().invoke(main, [*words, "surely-new", "--plan"])
    assert planned.exit_code == 0, planned.output
    assert "users.email" in planned.output
    assert CliRunner().invoke(main, [*words, lab.name, "--plan"]).exit_code == 5
    never = CliRunner().invoke(main, [*words, "../no-name", "--plan"])
    assert (never.exit_code, "cannot be the name of a lab" in never.stderr) == (2, True)


def test_a_secret_that_is_short_or_read_by_others_is_not_taken(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    words = ["privacy", "mask", "-t", lab.name, "--to", "surely-new", "--secret-file", str(path)]
    for secret, mode, said in (("zq7zq", 0o600, "has 5 bytes"), ("zq7" * 11, 0o640, "its group")):
        path.write_text(secret)
        path.chmod(mode)
        for more in ([], ["--plan"]):
            done = CliRunner().invoke(main, [*words, *more])
            assert done.exit_code == 2
            assert said in done.output
            assert secret not in done.output
    assert labs.read("surely-new") is None
