"""Tokens of brokers: of no use to who takes the database, and rotated whatever is killed."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import Labs, eventually
from trading import Bed, bed_of

from stockops.backups import repository, taking
from stockops.backups.streams import Form
from stockops.backups.taking import Request
from stockops.cli import main
from stockops.engine import ENGINES, connect
from stockops.errors import ConfigError, Finding, Refused
from stockops.passwords import Secret
from stockops.privacy import keyring, tokens
from stockops.privacy.keyring import Keyring

TOKEN = "planted-token-{}-Zq7"


@pytest.fixture(scope="module", params=sorted(ENGINES))
def shared(request: pytest.FixtureRequest, all_labs: Labs) -> Iterator[Bed]:
    with bed_of(all_labs.get(str(request.param))) as bed:
        yield bed


@pytest.fixture
def bed(shared: Bed) -> Bed:
    shared.server.execute("DELETE FROM broker_tokens")
    return shared


@pytest.fixture
def ring(tmp_path: Path) -> Keyring:
    return keyring.make(tmp_path / "tokens.key")


def stored(bed: Bed, ring: Keyring, count: int) -> list[int]:
    accounts = [bed.account(0) for _ in range(count)]
    for account in accounts:
        tokens.store(bed.server, ring, account, Secret(TOKEN.format(account)))
    return accounts


def test_a_token_wants_an_account(bed: Bed, ring: Keyring) -> None:
    with pytest.raises(ConfigError, match="there is no account 999999999"):
        tokens.store(bed.server, ring, 999999999, Secret("a token"))


def test_the_houses_own_accounts_have_no_token(bed: Bed, ring: Keyring) -> None:
    for number, kind in ((1, "house"), (2, "fees"), (3, "tax"), (4, "bank"), (5, "issuer")):
        with pytest.raises(Refused, match=rf"account {number} is the house's own \({kind}\)"):
            tokens.store(bed.server, ring, number, Secret("a token"))
    assert revealed(bed, ring) == {}


def revealed(bed: Bed, ring: Keyring) -> dict[int, str]:
    rows = bed.server.fetch(tokens.AFTER, after_id=0, row_limit=10_000)
    return {row.account_id: tokens.read(ring, row).reveal() for row in rows}


def run(bed: Bed, verb: str, *words: str) -> Result:
    return CliRunner().invoke(main, ["privacy", verb, "-t", bed.target.url, *words])


def test_the_key_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "tokens.key"
    with pytest.raises(ConfigError, match="there is no key file") as missing:
        keyring.read(path)
    assert "stockops privacy make-key --key-file" in str(missing.value.hint)
    ring = keyring.make(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    key = path.read_text().splitlines()[-1].partition(" ")[2]
    assert key not in repr(ring)
    assert keyring.read(path).keys == ring.keys
    for mode in (0o640, 0o604):
        path.chmod(mode)
        with pytest.raises(ConfigError, match="can read or write the key file"):
            keyring.read(path)
    path.chmod(0o600)
    path.write_text(path.read_text().replace(key, key[:-4]))
    with pytest.raises(ConfigError) as caught:
        keyring.read(path)
    assert key[:-4] not in str(caught.value)


def test_a_dump_holds_no_token_and_no_key(bed: Bed, ring: Keyring, tmp_path: Path) -> None:
    account = bed.account(0)
    token = TOKEN.format(account)
    file = tmp_path / "token"
    file.write_text(token + "\n")
    file.chmod(0o600)
    done = run(
        bed, "store-token", str(account), "--token-file", str(file), "--key-file", str(ring.path)
    )
    assert done.exit_code == 0, done.output
    assert token not in done.output
    repo = repository.make(str(tmp_path / "repository"))
    taking.take(repo, bed.target, Request(method="logical", form=Form(compression="none")))
    dump = b"".join(
        each.read_bytes() for each in sorted((tmp_path / "repository").rglob("*")) if each.is_file()
    )
    row = bed.server.fetch(tokens.AFTER, after_id=0, row_limit=1)[0]
    assert row.ciphertext.encode() in dump  # so what is searched is what holds the tokens
    assert token.encode() not in dump
    key = ring.path.read_text().splitlines()[-1].partition(" ")[2]
    assert key.encode() not in dump
    assert ring.keys[ring.current] not in dump
    assert revealed(bed, ring) == {account: token}


def test_a_token_that_was_moved_or_changed_is_not_believed(bed: Bed, ring: Keyring) -> None:
    mine, other = stored(bed, ring, 2)
    assert run(bed, "check-tokens", "--key-file", str(ring.path)).exit_code == 0
    bed.server.execute(
        "UPDATE broker_tokens SET ciphertext = (SELECT c FROM (SELECT ciphertext AS c FROM "
        "broker_tokens WHERE account_id = %(mine)s) x) WHERE account_id = %(other)s",
        {"mine": mine, "other": other},
    )
    with pytest.raises(Finding, match=f"account {other}"):
        tokens.check(bed.server, ring)
    with pytest.raises(ConfigError, match="is not in"):
        tokens.check(bed.server, keyring.make(ring.path.with_name("other.key")))


def test_no_token_is_stored_while_keys_may_be_destroyed(
    bed: Bed, ring: Keyring, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("a-token\n")
    file.chmod(0o600)
    words = (str(bed.account(0)), "--token-file", str(file), "--key-file", str(ring.path))
    with keyring.held(ring.path):
        assert run(bed, "store-token", *words).exit_code == 6
    file.chmod(0o644)
    assert run(bed, "store-token", *words).exit_code == 2
    assert not revealed(bed, ring)


def test_no_token_is_nothing_checked(bed: Bed, ring: Keyring) -> None:
    assert run(bed, "check-tokens", "--key-file", str(ring.path)).exit_code == 1


def test_no_rotation_is_planned_by_a_file_without_the_keys(
    bed: Bed, ring: Keyring, tmp_path: Path
) -> None:
    stored(bed, ring, 1)
    other = keyring.make(tmp_path / "other.key")
    for more in (("--plan",), ()):
        said = run(bed, "rotate-key", "--key-file", str(other.path), *more)
        assert (said.exit_code, f"the key {ring.current!r} is not in" in said.stderr) == (2, True)
    assert keyring.read(other.path) == other


def test_no_key_is_destroyed_by_a_database_without_tokens(bed: Bed, ring: Keyring) -> None:
    words = ("rotate-key", "--key-file", str(ring.path), "--retire", "--yes")
    for more in (("--plan",), ()):
        said = run(bed, *words, *more)
        assert (said.exit_code, "there is no token in this database" in said.stderr) == (5, True)
    assert keyring.read(ring.path) == ring


def test_a_rotation_is_planned_and_the_old_key_stays_until_it_is_retired(
    bed: Bed, ring: Keyring
) -> None:
    accounts = stored(bed, ring, 3)
    words = ("--key-file", str(ring.path))
    assert "encrypt 3 tokens" in run(bed, "rotate-key", *words, "--plan").output
    assert keyring.read(ring.path).keys == ring.keys
    first = tokens.rotate(bed.server, ring.path)
    assert (first.tokens, first.resumed, first.keys_destroyed) == (3, False, 0)
    after = keyring.read(ring.path)
    assert after.current == first.key_id != ring.current
    assert ring.current in after.keys
    assert run(bed, "rotate-key", *words, "--retire").exit_code == 5
    assert run(bed, "rotate-key", *words, "--retire", "--yes").exit_code == 0
    last = keyring.read(ring.path)
    assert len(last.keys) == 1
    assert revealed(bed, last) == {account: TOKEN.format(account) for account in accounts}


def test_a_rotation_that_was_killed_goes_on_with_its_key(bed: Bed, ring: Keyring) -> None:
    accounts = stored(bed, ring, 3)
    # The second transaction waits for this row, so that the kill comes in the middle.
    tokens_each = "import stockops.privacy.tokens as t; t._ROWS_PER_TRANSACTION = 1; "
    ask = (
        f"{tokens_each}from pathlib import Path; from stockops.engine import ENGINES, connect\n"
        f"with connect({bed.target.url!r}, lock_timeout_s=60) as s: "
        f"t.rotate(s, Path({str(ring.path)!r}))"
    )
    with bed.server.transaction():
        bed.server.rows(
            "SELECT account_id FROM broker_tokens WHERE account_id = %(a)s FOR UPDATE",
            {"a": accounts[1]},
        )
        child = subprocess.Popen([sys.executable, "-c", ask], env={**os.environ})
        try:
            eventually(lambda: len(keyring.read(ring.path).keys) == 2)
            eventually(lambda: moved(bed) == 1)
        finally:
            os.kill(child.pid, signal.SIGKILL)
            child.wait(60)
    added = keyring.read(ring.path)
    assert set(revealed(bed, added)) == set(accounts)  # both keys read what is half done
    said = tokens.rotate(bed.server, ring.path, retire=True)
    assert (said.resumed, said.tokens, said.key_id) == (True, 2, added.current)
    assert said.keys_destroyed == 1
    last = keyring.read(ring.path)
    assert revealed(bed, last) == {account: TOKEN.format(account) for account in accounts}


def moved(bed: Bed) -> int:
    """How many tokens are under the new key, as another session sees it."""
    with connect(bed.target) as server:
        used = sorted(each.tokens for each in server.fetch(tokens.KEYS))
    return used[0] if len(used) == 2 else 0
