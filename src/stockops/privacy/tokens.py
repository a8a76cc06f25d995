"""
Tokens of accounts at their brokers: encrypted where they are stored, and by a new key by command.

A ciphertext is bound to its account and to the key: copied into another row it cannot be read.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import counts, queries
from ..engine.base import Server
from ..errors import ConfigError, Finding, Refused
from ..passwords import Secret
from ..plan import Step
from ..queries import Query
from . import keyring
from .keyring import Keyring

TOKEN_CHARACTERS_MAX = 2000
_ROWS_PER_TRANSACTION = 500
_CUSTOMER = "customer"


@dataclass(frozen=True, slots=True)
class Stored:
    """One token as it is stored."""

    account_id: int
    key_id: str
    ciphertext: str


@dataclass(frozen=True, slots=True)
class AccountKind:
    """Whose account it is: a customer's, or which one of the house."""

    kind: str


@dataclass(frozen=True, slots=True)
class KeyUse:
    """How many tokens a key encrypts."""

    key_id: str
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """What a rotation did: `resumed` where it went on with the key of one that was killed."""

    key_id: str
    tokens: int
    resumed: bool
    keys_destroyed: int


ACCOUNT = Query("tokens/account", AccountKind)
KEYS = Query("tokens/keys", KeyUse)
OTHERS = Query("tokens/under_other_keys", Stored)
AFTER = Query("tokens/after", Stored)


def store(server: Server, ring: Keyring, account_id: int, token: Secret) -> None:
    """
    Store `token` for the account, in the place of the one there may be.

    Raises `ConfigError` where there is no such account, and `Refused` for the house's own.
    """
    length = len(token.reveal())
    if not 0 < length <= TOKEN_CHARACTERS_MAX:
        raise Finding(
            f"the token has {length} characters, not 1 to {TOKEN_CHARACTERS_MAX}",
            hint="Look whether the file is the right one.",
        )
    _require_customer(server, account_id)
    row = {
        "account_id": account_id,
        "key_id": ring.current,
        "ciphertext": ring.encrypt(token, bound_to=_bound(account_id, ring.current)),
    }
    server.execute(queries.text(server.engine, "storing/store", server.version[0]), row)


def _require_customer(server: Server, account_id: int) -> None:
    found = server.fetch(ACCOUNT, account_id=account_id)
    if not found:
        raise ConfigError(
            f"there is no account {account_id}",
            hint="Name the account by its number.",
        )
    if found[0].kind != _CUSTOMER:
        raise Refused(
            f"account {account_id} is the house's own ({found[0].kind}): no broker keeps it, so it "
            "has no token",
            hint="Name the account of a customer: their numbers begin at 1001.",
        )


def read(ring: Keyring, stored: Stored) -> Secret:
    """Return the token that is `stored`; `Finding` where it cannot be what was stored there."""
    bound = _bound(stored.account_id, stored.key_id)
    return ring.decrypt(stored.ciphertext, key_id=stored.key_id, bound_to=bound)


def check(server: Server, ring: Keyring) -> list[KeyUse]:
    """Read every token once, and return how many each key encrypts; `Finding` where one fails."""
    after = 0
    while found := server.fetch(AFTER, after_id=after, row_limit=_ROWS_PER_TRANSACTION):
        for each in found:
            read(ring, each)
        after = found[-1].account_id
    return server.fetch(KEYS)


def rotation_steps(server: Server, ring: Keyring, *, retire: bool) -> list[Step]:
    """Return what `rotate` would do; raises as that does where a key is missing."""
    used = server.fetch(KEYS)
    for each in used:
        ring.require(each.key_id)
    _check_retirement(used, retire=retire)
    left = sum(each.tokens for each in used if each.key_id != ring.current)
    tokens = left or sum(each.tokens for each in used)
    steps = [
        Step(
            action=f"encrypt {counts.of(tokens, 'token')} by the key "
            f"{ring.current if left else 'added'}",
            why=f"{_ROWS_PER_TRANSACTION} in a transaction; whoever is killed goes on with "
            "the same command",
        )
    ]
    if not left:
        steps.insert(0, Step(action=f"add a key to {ring.path}", why="it is the current one then"))
    if retire:
        steps.append(
            Step(
                action=f"destroy every other key of {ring.path}",
                why="tokens in older backups and replicas of this file's keys cannot be read again",
                destroys=True,
            )
        )
    return steps


def rotate(
    server: Server,
    path: Path,
    *,
    retire: bool = False,
    seen: Callable[[int], None] = lambda _: None,
) -> Rotated:
    """
    Encrypt every token by a new key; `seen` is told how many are done after each transaction.

    The new key is on disk before the first row has it. Where tokens are under another key than the
    current one, a rotation was killed, and this one finishes it instead of adding a key. Tokens
    that are stored meanwhile stay. With `retire` the keys that nothing is encrypted by any more are
    destroyed at the end. Raises `ConfigError` where a key is not in the file, and `Refused` where
    keys would be destroyed that no token here is encrypted by.
    """
    with keyring.held(path):
        ring = keyring.read(path)
        _check_retirement(server.fetch(KEYS), retire=retire)
        resumed = bool(server.fetch(OTHERS, key_id=ring.current, row_limit=1))
        if not resumed:
            ring = keyring.add(ring)
        done = 0
        while moved := _move(server, ring):
            done += moved
            seen(done)
        before = len(ring.keys)
        if retire:
            ring = keyring.retire(ring, in_use={each.key_id for each in server.fetch(KEYS)})
        return Rotated(
            key_id=ring.current,
            tokens=done,
            resumed=resumed,
            keys_destroyed=before - len(ring.keys),
        )


def _check_retirement(used: Sequence[KeyUse], *, retire: bool) -> None:
    """Raise `Refused` where nothing here shows that the keys are those of this database."""
    if retire and not used:
        raise Refused(
            "there is no token in this database, so nothing shows that the keys are its own",
            hint="Look whether the target is the right one: tokens of another would be lost.",
        )


def _move(server: Server, ring: Keyring) -> int:
    """Encrypt some tokens by the current key, in one transaction; return how many."""
    replace = queries.text(server.engine, "storing/replace", server.version[0])
    with server.transaction(isolation="read committed"):
        rows = server.fetch(OTHERS, key_id=ring.current, row_limit=_ROWS_PER_TRANSACTION)
        for row in rows:
            bound = _bound(row.account_id, ring.current)
            text = ring.encrypt(read(ring, row), bound_to=bound)
            server.execute(
                replace,
                {
                    "account_id": row.account_id,
                    "key_id": ring.current,
                    "ciphertext": text,
                    "before": row.ciphertext,  # one that was stored anew since is not this one
                },
            )
    return len(rows)


def _bound(account_id: int, key_id: str) -> str:
    return f"account {account_id} under {key_id}"
