"""What a user may write in stockops.yaml and after --target."""

import pickle
import stat
from dataclasses import dataclass
from pathlib import Path

import pytest

from stockops import passwords, targets
from stockops.errors import ConfigError, Unreachable
from stockops.passwords import Secret
from stockops.targets import Config, Target

PG = "postgresql://ops@db1/trading"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own, so that no ~/.my.cnf of the user's is read."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, text: str) -> Path:
    file = folder / "stockops.yaml"
    file.write_text(text, "utf-8")
    return file


@dataclass(frozen=True, slots=True)
class Running:
    name: str
    engine: str

    def url(self, database: str = "trading") -> str:
        return f"{self.engine}://stockops@/{database}?host=/run/{self.name}"


def find_lab(name: str) -> Running | None:
    return {"lab": Running("lab", "postgresql"), "my": Running("my", "mariadb")}.get(name)


def test_the_file_is_found_upward(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, "default: prod\ntargets:\n  prod: {url: 'postgresql://ops@db1/trading'}\n")
    deep = home / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    config = targets.load()
    assert config.path == home / "stockops.yaml"
    assert targets.resolve(None, config) == Target(name="prod", url=PG)


def test_the_design_s_example_is_read(home: Path) -> None:
    password = home / "prod.pw"
    password.write_text("s3cret\n")
    password.chmod(0o600)
    file = write(
        home,
        f"""
default: lab
targets:
  lab:   {{lab: postgresql}}
  labmy: {{lab: mariadb}}
  prod:  {{url: "postgresql://ops@db1/trading", protected: true, password_file: {password}}}
backup:  {{repository: /var/backups/stockops, keep: {{daily: 7, weekly: 4, monthly: 6}}}}
""",
    )
    config = targets.load(file)
    prod = targets.resolve("prod", config)
    assert (prod.url, prod.protected, prod.engine, prod.database) == (
        PG,
        True,
        "postgresql",
        "trading",
    )
    assert prod.password is not None
    assert prod.password.reveal() == "s3cret"
    assert config.backup.keep == {"daily": 7, "weekly": 4, "monthly": 6}
    assert targets.resolve(None, config, find_lab=find_lab).lab == "lab"
    with pytest.raises(Unreachable) as caught:
        targets.resolve("labmy", config, find_lab=find_lab)
    assert caught.value.hint == "Start it: stockops lab up --name labmy --engine mariadb"


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ("default: lab\ntarget:\n", 2, "unknown key 'target'", "Did you mean targets?"),
        ("targets:\n  a:\n    ulr: x\n", 3, "unknown key 'ulr' in targets.a", "mean url?"),
        ("targets:\n  a: {url: x, zebra: 1}\n", 2, "unknown key 'zebra'", "Known: url, lab"),
        ("backup: {keep: {dayly: 7}}\n", 1, "'dayly' in backup.keep", "mean daily?"),
        ("backup: {keep: {daily: seven}}\n", 1, "'daily' wants a whole number", "daily"),
        ("targets:\n  a: {lab: mariadb, protected: maybe}\n", 2, "wants true or false", ""),
        ("targets: [a]\n", 1, "'targets' wants a mapping", ""),
        ("- a\n", 1, "not a mapping", "ops/stockops.yaml"),
        ("targets:\n  a: {lab: mariadb}\n  a: {lab: mariadb}\n", 3, "there twice", ""),
        ("targets:\n  a: {protected: true}\n", 2, "needs one of url and lab", ""),
        ("targets:\n  a: {lab: maria}\n", 2, "no engine is called 'maria'", "mean mariadb?"),
        ("targets:\n  a: {url: 'mysql://x/y'}\n", 2, "no engine is called 'mysql'", ""),
        ("targets:\n  a: {url: 'postgresql://u:pw@h/d'}\n", 2, "holds a password", "password_"),
        ("targets:\n  a: {url: 'mariadb://h:port/d'}\n", 2, "malformed", ""),
        ("default: prd\ntargets: {prod: {lab: mariadb}}\n", 1, "called 'prd'", "mean prod?"),
        ("targets: {a: [}\n", 1, "expected", ""),
        ("a\tb: \x07\n", None, "no place for", ""),
    ],
)
def test_a_mistake_is_told_with_its_line(
    home: Path, text: str, line: int | None, message: str, hint: str
) -> None:
    file = write(home, text)
    with pytest.raises(ConfigError) as caught:
        targets.load(file)
    assert str(caught.value).startswith(f"{file}:{line}: " if line else f"{file}: ")
    assert message in str(caught.value)
    assert hint in (caught.value.hint or "")


def test_a_file_that_cannot_be_read(home: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        targets.load(home / "none.yaml")
    (home / "stockops.yaml").write_bytes("default: 김".encode("cp949"))
    with pytest.raises(ConfigError, match="not UTF-8"):
        targets.load()


def test_an_empty_file_says_nothing(home: Path) -> None:
    assert targets.load(write(home, "")).targets == {}


def test_without_a_file_the_target_is_the_lab() -> None:
    config = targets.load()
    assert config == Config()
    assert targets.resolve(None, config, find_lab=find_lab).lab == "lab"
    with pytest.raises(Unreachable) as caught:
        targets.resolve(None, config)
    assert caught.value.hint == "Start it: stockops lab up"


def test_a_lab_that_is_up_is_a_target() -> None:
    target = targets.resolve("my", Config(), find_lab=find_lab)
    assert (target.lab, target.engine) == ("my", "mariadb")


def test_an_unknown_target_names_the_nearest(home: Path) -> None:
    config = targets.load(write(home, "targets: {prod: {url: 'mariadb://h/d'}}"))
    with pytest.raises(ConfigError, match="no target is called 'prd'") as caught:
        targets.resolve("prd", config, find_lab=find_lab)
    assert caught.value.hint == "Did you mean prod?"
    with pytest.raises(ConfigError) as caught:
        targets.resolve("zebra", config, find_lab=find_lab)
    assert caught.value.hint == (
        "Known targets: lab, prod, and every lab that is up: stockops lab status"
    )


def test_a_url_to_a_protected_database_is_protected_too(home: Path) -> None:
    config = targets.load(
        write(home, "targets: {prod: {url: 'postgresql://ops@db1/trading', protected: true}}")
    )
    other_way = targets.resolve("postgresql://postgres@DB1:5432/trading", config)
    assert (other_way.name, other_way.protected) == ("prod", True)
    assert not targets.resolve("postgresql://ops@db1/other", config).protected


def test_a_lab_to_which_a_protected_target_leads_is_protected_too(home: Path) -> None:
    up = Running("mine", "postgresql")
    for url, protected in ((up.url(), True), (f"{up.url()}-2", False)):
        file = write(home, f"targets: {{prod: {{url: '{url}', protected: true}}}}")
        found = targets.resolve("mine", targets.load(file), find_lab=lambda _: up)
        assert (found.lab, found.protected) == ("mine", protected)


def test_a_secret_shows_itself_to_nobody() -> None:
    secret = Secret("hunter2")
    target = Target(name="a", url=PG, password=secret)
    shown = f"{secret} {secret!r} {secret!s:>9} {[secret]} {target} {target!r} %s" % secret
    assert "hunter2" not in shown
    assert pickle.loads(pickle.dumps(target)).password.reveal() == "hunter2"
    assert secret.scrub("the password hunter2 is wrong") == "the password *** is wrong"


def test_the_environment_holds_a_password_for_one_target_or_all(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "targets: {a-b: {url: 'postgresql://h/d'}, c: {url: 'mariadb://h/d'}}"
    config = targets.load(write(home, text))

    def password(name: str) -> str | None:
        found = targets.resolve(name, config).password
        return None if found is None else found.reveal()

    assert (password("a-b"), password("c")) == (None, None)
    monkeypatch.setenv("PGPASSWORD", "all pg")
    monkeypatch.setenv("MYSQL_PWD", "all my")
    assert (password("a-b"), password("c")) == ("all pg", "all my")
    monkeypatch.setenv("STOCKOPS_PASSWORD_A_B", "one")
    assert (password("a-b"), password("c")) == ("one", "all my")


@pytest.mark.parametrize(
    ("text", "password"),
    [
        ("[client]\npassword=plain\n", "plain"),
        ("[client]\npassword = 'quo#ted'\n", "quo#ted"),
        ('[client-mariadb]\npassword="a\\\\b\\"c"\n', 'a\\b"c'),
        ("[client]\npassword=plain # a comment\n", "plain"),
        ("[mysqld]\npassword=no\n", None),
        ("# password=no\n[client]\nuser=x\n", None),
    ],
)
def test_my_cnf_holds_a_password(home: Path, text: str, password: str | None) -> None:
    (home / ".my.cnf").write_text(text)
    found = targets.from_url("mariadb://h/d").password
    assert (found and found.reveal()) == password


def test_a_password_file_is_private(home: Path) -> None:
    file = home / "pw"
    file.write_text("with a space \n")
    file.chmod(0o640)
    assert passwords.from_file(file, where="x").reveal() == "with a space "
    file.chmod(file.stat().st_mode | stat.S_IROTH)
    with pytest.raises(ConfigError, match="everybody can read") as caught:
        passwords.from_file(file, where="stockops.yaml:3")
    assert caught.value.hint == f"chmod 600 {file}"
    with pytest.raises(ConfigError, match=r"stockops.yaml:3: there is no password file"):
        passwords.from_file(home / "none", where="stockops.yaml:3")
