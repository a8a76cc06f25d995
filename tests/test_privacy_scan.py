"""Personal data are found by what they are called and by what they look like, and never shown."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import Labs
from trading import Bed, bed_of

from stockops import catalog
from stockops.cli import main
from stockops.engine import ENGINES
from stockops.errors import ConfigError
from stockops.privacy import declarations, scanning, shapes
from stockops.privacy.scanning import Scanned
from stockops.targets import Target

# No value of these is anybody's: the exchange 010-0 is given to nobody, and 13 is no month's day.
PERSON = {
    "full_name": "김철수",
    "mail": "planted.person@secret-place.kr",
    "tel": "010-0123-4567",
    "rrn": "900101-1234567",
    "remark_1": "the customer called from 010-0123-4568 about a loan",
    "plain": "KOSPI",
    "c1": "sk9Qx2Lm48ZtPq7RwAbC3dEf",
    "c2": "박영희",
    "c3": "other.person@secret-place.kr",
    "c4": "850615-2345678",
}
KINDS = {
    "full_name": "name", "mail": "email", "tel": "phone", "rrn": "resident_number",
    "remark_1": "phone", "c1": "token", "c2": "name", "c3": "email", "c4": "resident_number",
}  # fmt: skip


class Undo(Exception):
    """Ends a transaction in which something was planted where nothing is deleted."""


@pytest.fixture(scope="module", params=sorted(ENGINES))
def bed(request: pytest.FixtureRequest, all_labs: Labs) -> Iterator[Bed]:
    with bed_of(all_labs.get(str(request.param))) as bed:
        bed.buy(bed.account(), bed.stock(50_000), 1, 50_000)
        yield bed


@pytest.fixture
def planted(bed: Bed) -> Iterator[Bed]:
    columns = ", ".join(f"{name} varchar(100)" for name in PERSON)
    bed.server.execute(f"CREATE TABLE leads (lead_id bigint PRIMARY KEY, {columns})")
    for number in range(3):
        values = ", ".join(f"%({name})s" for name in PERSON)
        bed.server.execute(f"INSERT INTO leads VALUES ({number}, {values})", PERSON)
    yield bed
    bed.server.execute("DROP TABLE leads")


def scan(target: Target, *words: str) -> Result:
    return CliRunner().invoke(main, ["privacy", "scan", "-t", target.url, *words])


def leads(found: list[Scanned]) -> dict[str, Scanned]:
    return {
        each.column.partition(".")[2]: each for each in found if each.column.startswith("leads.")
    }


def test_the_schema_is_as_it_is_declared(bed: Bed) -> None:
    words = ["trade", "predictions", "generate", "-t", bed.target.url, "--seed", "1"]
    made = CliRunner().invoke(main, [*words, "--count", "60"])
    assert "60 lines" in made.output, made.output
    done = scan(bed.target)
    assert done.exit_code == 0, done.output
    found = scanning.scan(bed.server, declarations.load())
    assert {"users.email", "accounts.account_no"} <= {
        each.column for each in found.found if each.state == "declared"
    }
    assert found.values > 50


def test_what_is_not_declared_is_found_by_name_and_by_value(planted: Bed) -> None:
    found = leads(scanning.scan(planted.server, declarations.load()).findings)
    assert {name: each.kind for name, each in found.items()} == KINDS
    assert found["mail"].confidence == found["c3"].confidence == "high"
    assert found["remark_1"].confidence == "medium"


def test_no_value_is_printed(planted: Bed) -> None:
    for form in ("table", "json"):
        done = scan(planted.target, "--format", form)
        assert done.exit_code == 1
        assert "leads.mail" in done.output
        for name, value in PERSON.items():
            assert value not in done.output, name
            assert json.dumps(value)[1:-1] not in done.output, name


def test_an_excused_column_is_excused_for_what_it_is_said_to_look_like_alone(bed: Bed) -> None:
    sql = (
        "INSERT INTO audit_log (audit_id, business_date, action, entity, entity_id, detail) VALUES "
        "(%(id)s, '2025-01-03', 'note', 'user', '1', %(detail)s)"
    )
    with suppress(Undo), bed.server.transaction():
        bed.server.execute(sql, {"id": bed.next_event(), "detail": "sent to x.y@secret-place.kr"})
        found = scanning.scan(bed.server, declarations.load()).findings
        assert [(each.column, each.kind) for each in found] == [("audit_log.detail", "email")]
        raise Undo
    assert not scanning.scan(bed.server, declarations.load()).findings


def test_a_declaration_of_a_column_that_is_gone_is_a_finding(bed: Bed, tmp_path: Path) -> None:
    path = tmp_path / "privacy.yaml"
    text = declarations.load().path.read_text("utf-8")
    path.write_text(text.replace("- users.user_id\n", "- users.user_id\n  - users.shoe_size\n"))
    done = scan(bed.target, "--declarations", str(path))
    assert done.exit_code == 1
    assert "users.shoe_size" in done.output
    path.write_text(text.replace("kind: email", "kind: e-mail"))
    with pytest.raises(ConfigError, match=r"users\.email"):
        declarations.load(path)


@contextmanager
def clerk(bed: Bed, *granted: str) -> Iterator[Target]:
    """A login that may read what is `granted`, and nothing else."""
    login = f"clerk_{secrets.token_hex(4)}"
    account = login if bed.engine == "postgresql" else f"{login}@localhost"
    make = "CREATE ROLE {} LOGIN" if bed.engine == "postgresql" else "CREATE USER {}"
    bed.server.execute(make.format(account))
    try:
        for each in granted:
            bed.server.execute(f"GRANT SELECT ON {each} TO {account}")
        yield replace(bed.target, url=bed.target.url.replace("//stockops@", f"//{login}@"))
    finally:
        if bed.engine == "postgresql":
            bed.server.execute(f"DROP OWNED BY {login}")
        bed.server.execute(f"DROP {'ROLE' if bed.engine == 'postgresql' else 'USER'} {account}")


def test_what_the_role_may_not_see_is_said_and_is_not_clean(bed: Bed) -> None:
    with clerk(bed, "users", "accounts") as target:
        done = scan(target, "--format", "json")
    states = {each["column"]: each["state"] for each in json.loads(done.stdout)}
    assert done.exit_code == 1
    assert "gone" not in states.values()
    assert states["users.email"] == "declared"
    assert "this role may not read" in done.stderr
    assert "audit_log" in done.stderr


def test_a_role_that_may_read_every_table_sees_that_all_is_well(bed: Bed) -> None:
    every = {"postgresql": "ALL TABLES IN SCHEMA public", "mariadb": f"{bed.target.database}.*"}
    with clerk(bed, every[bed.engine]) as target:
        done = scan(target)
    assert (done.exit_code, done.stderr) == (0, "")


def test_a_role_from_which_the_server_hides_tables_is_told_so(bed: Bed) -> None:
    tables = [table.table_name for table in catalog.read(bed.server).tables]
    with clerk(bed, *tables) as target:
        done = scan(target)
    hides = "others may be there" in done.stderr
    assert (done.exit_code, hides) == ((1, True) if bed.engine == "mariadb" else (0, False))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a token", "is not a file of declarations: a part is of a wrong type"),
        ("personal: {}", "is not a file of declarations: 'pseudonyms' is missing"),
        ("", "is not a file of declarations: a part is of a wrong type"),
        ("a: [", "is not YAML"),
    ],
    ids=["words", "a part of it", "nothing", "a bracket"],
)
def test_what_is_no_file_of_declarations_is_said(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "privacy.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=said):
        declarations.load(path)


def test_nothing_looked_at_is_no_ok(bed: Bed) -> None:
    admin = replace(bed.target, url=bed.target.url.replace(bed.target.database, "postgres"))
    if bed.engine == "mariadb":
        bed.server.execute("CREATE DATABASE nothing_at_all")
        admin = replace(
            bed.target, url=bed.target.url.replace(bed.target.database, "nothing_at_all")
        )
    done = scan(admin)
    if bed.engine == "mariadb":
        bed.server.execute("DROP DATABASE nothing_at_all")
    assert done.exit_code == 1
    assert "nothing was looked at" in done.output


def test_a_shape_holds_no_letter_or_digit_of_its_value() -> None:
    assert shapes.shape("user0000001@example.com") == "a{4}9{7}@a{7}.a{3}"
    assert shapes.shape("김철수 Kim") == "가{3} Aa{2}"


def test_a_number_of_thirteen_digits_is_a_resident_number_only_with_a_date() -> None:
    assert "resident_number" in shapes.count(["900101-1234567"])
    for other in ("901301-1234567", "900132-1234567", "900101-9234567", "x900101-1234567"):
        assert "resident_number" not in shapes.count([other])


def test_an_issue_and_how_many_are_no_phone() -> None:
    for phone in ("010-9876-5432", "01098765432", "02 123 4567", "010 98765432", "031.123.4567"):
        assert shapes.count([f"call {phone} now"])["phone"].inside == 1
    for words in ("sell limit 010950 1130 at 62000", "buy market 032830 1200 filled 1200"):
        assert "phone" not in shapes.count([words])
