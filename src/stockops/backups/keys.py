"""
Whom backups are encrypted to, and who can read them: age keys, X25519 or SSH.

A backup needs the public keys alone. The identity that reads it must lie outside the repository:
whoever takes the repository away would take the key with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from .. import passwords
from ..errors import ConfigError, Refused

_SECRET = b"AGE-SECRET-KEY-1"
_PRIVATE = b"PRIVATE KEY-----"
_SEALED = (b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED FILE-----")
_WANTED = {
    "an identity": "Name the file that age-keygen wrote, or a private key of SSH.",
    "recipients": "Give a public key, which begins with age1 or ssh-, or a file with one on each "
    "line. Keys of GPG are not taken: age-keygen makes a pair.",
}
KEY_FILE_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True)
class Recipient:
    """One public key, as text and as the library holds it."""

    text: str
    key: Any


@dataclass(frozen=True, slots=True)
class Identity:
    """One secret key, and the file it came from. It shows nothing of itself."""

    path: Path
    key: Any

    def __repr__(self) -> str:
        return f"Identity({str(self.path)!r})"


Recipients = Sequence[Recipient]
Identities = Sequence[Identity]


def recipients(texts: Sequence[str]) -> list[Recipient]:
    """Return the public keys in `texts`; a text is a key, or a file with one on each line."""
    found = []
    for text in texts:
        if text.upper().startswith(_SECRET.decode()):
            raise _secret_given("what --recipient was given")
        if text.startswith(("age1", "ssh-")):
            found.append(_recipient(text, repr(text)))
            continue
        path = Path(text).expanduser()
        lines = _keys_in(_read(path, what="recipients"), path, what="recipients")
        if any(_SECRET.decode() in line.upper() or _PRIVATE.decode() in line for line in lines):
            raise _secret_given(repr(text))
        for number, line in enumerate(lines, 1):
            found.append(_recipient(line, f"key {number} in {text!r}"))  # which may be anything
    return found


def identities(paths: Sequence[Path]) -> list[Identity]:
    """Return the secret keys in the files `paths`."""
    return [key for path in paths for key in _identities(path)]


def require_outside(identities: Identities, root: Path) -> None:
    """Raise `Refused` where the file of one of `identities` lies below `root`, a repository."""
    for each in identities:
        if each.path.resolve().is_relative_to(root.resolve()):
            raise Refused(
                f"the identity {str(each.path)!r} lies inside the repository it opens",
                hint="Keep it elsewhere: whoever takes the repository takes the key along.",
            )


def require_none_inside(root: Path) -> None:
    """Raise `Refused` where a small file below `root` holds a secret key."""
    for path in root.rglob("*"):
        if path.is_file() and path.stat().st_size <= KEY_FILE_BYTES_MAX:
            require_no_secret(path.read_bytes(), name=str(path))


def require_no_secret(content: bytes, *, name: str) -> None:
    """Raise `Refused` where `content`, of the object `name` of a repository, is a secret key."""
    if _SECRET in content or _PRIVATE in content:
        raise Refused(
            f"{name!r} holds a secret key, and it lies inside the repository",
            hint="Move it away from the backups it opens.",
        )


def _secret_given(what: str) -> ConfigError:
    """Return the error for a secret key where a public one is wanted; it shows nothing of it."""
    return ConfigError(
        f"{what} holds a secret key, and a backup is encrypted to a public one",
        hint="Give the line that begins with age1, which age-keygen -y prints, or the file that "
        "ends with .pub.",
    )


def _recipient(text: str, what: str) -> Recipient:
    import pyrage  # noqa: PLC0415  only who encrypts pays for it

    kind = pyrage.ssh if text.startswith("ssh-") else pyrage.x25519
    try:
        return Recipient(text, kind.Recipient.from_str(text))
    except pyrage.RecipientError as exc:
        raise ConfigError(
            f"{what} is not a public key of age: {exc}",
            hint="Make a pair with age-keygen, and give the line that begins with age1; of SSH, "
            "ssh-ed25519 and ssh-rsa do.",
        ) from None


def _identities(path: Path) -> list[Identity]:
    import pyrage  # noqa: PLC0415

    data = _read(path, what="an identity")  # once: it may be a pipe
    _require_open(data, path)
    lines = _keys_in(data, path, what="an identity")
    _require_private(path)
    try:
        if _PRIVATE.decode() in lines[0]:
            return [Identity(path, pyrage.ssh.Identity.from_buffer(data))]
        return [Identity(path, pyrage.x25519.Identity.from_str(line)) for line in lines]
    except pyrage.IdentityError as exc:
        hint = "Name the file that age-keygen wrote, or a private key of SSH: ed25519 or RSA."
        if "must be decrypted" in str(exc):
            hint = f"Take the passphrase off a copy: ssh-keygen -p -N '' -f COPY-OF-{path.name}"
        raise ConfigError(
            f"{str(path)!r} does not hold an identity of age: {exc}", hint=hint
        ) from None


def _require_open(data: bytes, path: Path) -> None:
    """Raise `ConfigError` where a passphrase guards the key: nobody may be there to type it."""
    if data.startswith(_SEALED):
        raise ConfigError(
            f"{str(path)!r} is locked by a passphrase, and only its content is a key",
            hint=f"Open it for as long as it is needed: --identity <(age -d {quote(str(path))})",
        )


def _require_private(path: Path) -> None:
    """Raise `ConfigError` where everybody can read the key, as ssh does: its group may."""
    if passwords.is_everybodys(path.stat().st_mode):
        named = quote(str(path))
        raise ConfigError(
            f"everybody can read or write the identity {str(path)!r}",
            hint=f"chmod 600 {named}; where that cannot be: install -m 600 {named} /dev/shm/key, "
            "give that, and remove it.",
        )


def _read(path: Path, *, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise _unreadable(path, what, exc.strerror) from None


def _keys_in(data: bytes, path: Path, *, what: str) -> list[str]:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise _unreadable(path, what, "it is not text") from None
    lines = [line.strip() for line in text.splitlines()]
    found = [line for line in lines if line and not line.startswith("#")]
    if not found:
        raise ConfigError(f"{str(path)!r} holds no key", hint=_WANTED[what])
    return found


def _unreadable(path: Path, what: str, why: str | None) -> ConfigError:
    return ConfigError(f"cannot read {what} from {str(path)!r}: {why}", hint=_WANTED[what])
