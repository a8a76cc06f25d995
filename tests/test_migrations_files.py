"""A folder of migrations is understood whole, or refused with one sentence."""

from pathlib import Path

import pytest

from stockops import resources
from stockops.errors import ConfigError
from stockops.migrations import effects, files

ENGINES = ("postgresql", "mariadb")


def write(folder: Path, texts: dict[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    return folder


@pytest.mark.parametrize("engine_name", ENGINES)
def test_versions_come_by_number_and_repeatables_after_what_they_require(
    engine_name: str, tmp_path: Path
) -> None:
    write(
        tmp_path,
        {
            "V0010__b.sql": "SELECT 1",
            "V0002__a.sql": "SELECT 1",
            "R__a.sql": "-- requires: R__m.sql\nSELECT 1",
            "R__c.sql": "-- words\n-- requires: R__a.sql R__b.sql\nSELECT 1",
            "R__b.sql": "SELECT 1",
            "R__m.sql": "SELECT 1",
            "README.md": "not a migration",
        },
    )
    found = [migration.name for migration in files.read(tmp_path, engine_name)]
    assert found == [
        "V0002__a.sql",
        "V0010__b.sql",
        "R__b.sql",
        "R__m.sql",
        "R__a.sql",
        "R__c.sql",
    ]


@pytest.mark.parametrize(
    ("engine_name", "texts", "message"),
    [
        ("mariadb", {}, "is empty"),
        ("mariadb", {"V1__a.sql": "SELECT 1"}, "V1__a.sql' is not the name of a migration"),
        ("mariadb", {"V0001__A.sql": "SELECT 1"}, "is not the name of a migration"),
        ("mariadb", {"V0001__a.sql.bak": "SELECT 1"}, "is not the name of a migration"),
        ("mariadb", {"V0001__a.sql": "-- words\n"}, "V0001__a.sql: holds no statement"),
        (
            "mariadb",
            {"V0001__a.sql": "SELECT 1", "V0001__b.sql": "SELECT 1"},
            "two files have the version V0001: V0001__a.sql and V0001__b.sql",
        ),
        ("mariadb", {"R__a.sql": "-- requires: R__b.sql\nSELECT 1"}, "requires 'R__b.sql', and"),
        (
            "mariadb",
            {
                "R__a.sql": "-- requires: R__b.sql\nSELECT 1",
                "R__b.sql": "-- requires: R__a.sql\nSELECT 1",
            },
            "require each other in a circle: R__a.sql, R__b.sql",
        ),
        (
            "mariadb",
            {"V0001__a.sql": "-- requires: R__b.sql\nSELECT 1"},
            "only an R file can require",
        ),
        (
            "postgresql",
            {"V0001__a.sql": "-- no transaction\nSELECT 1"},
            "V0001__a.sql:1: '-- no transaction' is not a directive",
        ),
        (
            "postgresql",
            {"V0001__a.sql": "SELECT 1;\nCREATE INDEX CONCURRENTLY i ON t (a);"},
            "V0001__a.sql:2: PostgreSQL does not run this inside a transaction",
        ),
        ("postgresql", {"V0001__a.sql": "SELECT 1;\nCOMMIT;"}, "V0001__a.sql:2: COMMIT would"),
        ("postgresql", {"V0001__a.sql": "SET ROLE x; SELECT 1"}, "V0001__a.sql:1: SET ROLE would"),
        ("mariadb", {"V0001__a.sql": "START TRANSACTION;"}, "V0001__a.sql:1: START would"),
        ("mariadb", {"V0001__a.sql": "SET autocommit = 0;"}, "SET AUTOCOMMIT would"),
        ("mariadb", {"V0001__a.sql": "SELECT '\0'"}, "holds a NUL byte"),
    ],
)
def test_a_folder_that_is_not_clear_is_refused(
    engine_name: str, texts: dict[str, str], message: str, tmp_path: Path
) -> None:
    write(tmp_path, texts)
    with pytest.raises(ConfigError) as raised:
        files.read(tmp_path, engine_name)
    assert message in str(raised.value)
    assert raised.value.hint


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no migration folder '.*nowhere'"):
        files.read(tmp_path / "nowhere", "mariadb")


def test_a_file_in_another_encoding_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "V0001__a.sql").write_bytes("SELECT 1;\nSELECT '삼성';".encode("cp949"))
    with pytest.raises(ConfigError, match=r"V0001__a\.sql:2: not UTF-8"):
        files.read(tmp_path, "mariadb")


def test_a_block_is_not_mistaken_for_a_transaction(tmp_path: Path) -> None:
    write(tmp_path, {"V0001__a.sql": "BEGIN NOT ATOMIC SELECT 1; SELECT 2; END;"})
    (found,) = files.read(tmp_path, "mariadb")
    assert len(found.statements) == 1
    assert not found.transactional


def test_only_the_head_holds_directives(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "V0001__a.sql": "-- what it is for\n\n-- no-transaction\nVACUUM;",
            "V0002__b.sql": "SELECT 1;\n-- no-transaction\n",
        },
    )
    first, second = files.read(tmp_path, "postgresql")
    assert (first.transactional, second.transactional) == (False, True)


def test_both_engines_have_the_same_files() -> None:
    schema = resources.folder("schema")
    names = [{path.name for path in (schema / engine).glob("*.sql")} for engine in ENGINES]
    assert names[0] == names[1]


@pytest.mark.parametrize("engine_name", ENGINES)
def test_the_schema_reads(engine_name: str) -> None:
    found = files.read(files.folder_of(engine_name), engine_name)
    versions = [migration.version for migration in found if migration.version]
    assert versions == list(range(1, len(versions) + 1))


def test_the_tables_that_are_there_in_the_end_are_read_from_the_files(tmp_path: Path) -> None:
    (tmp_path / "V0001__first.sql").write_text(
        "CREATE TABLE a (n INT);\n"
        'CREATE TABLE IF NOT EXISTS public."B" (n INT);\n'
        "CREATE TEMPORARY TABLE passing (n INT);\n"
        "CREATE TABLE a_2026 PARTITION OF a FOR VALUES IN (1);\n"
        "CREATE TABLE d (n INT);\nCREATE TABLE e (n INT);\nCREATE TABLE f (n INT);\n"
    )
    (tmp_path / "V0002__second.sql").write_text(
        "DROP TABLE IF EXISTS d, e CASCADE;\nALTER TABLE b RENAME TO c;\nALTER TABLE f ADD m INT;\n"
    )
    assert effects.tables(files.read(tmp_path, "postgresql")) == {"a", "c", "f"}
    (tmp_path / "V0003__third.sql").write_text("RENAME TABLE f TO `g`;\n")
    assert effects.tables(files.read(tmp_path, "mariadb")) == {"a", "c", "g"}
