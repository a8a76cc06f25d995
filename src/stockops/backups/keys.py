"""
Whom backups are encrypted to, and who can read them: age keys, X25519 or SSH.

A backup needs the public keys alone. The identity that reads it must lie outside the repository:
whoever takes the repository away would take the key with it.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ConfigError, Refused

_SECRET = b"AGE-SECRET-KEY-1"
_PRIVATE = b"PRIVATE KEY-----"
_SEALED = (b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED FILE-----")
_HEAD_BYTES = 64
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
        lines = _lines(Path(text).expanduser(), what="recipients")
        if any(_SECRET.decode() in line.upper() or _PRIVATE.decode() in line for line in lines):
            raise _secret_given(repr(text))
        for number, line in enumerate(lines, 1):
            found.append(_recipient(line, f"key {number} in {text!r}"))  # which may be anything
    return found


def identities(paths: Sequence[Path], *, outside: Path | None = None) -> list[Identity]:
    """Return the secret keys in the files `paths`; refuse those that lie in `outside`."""
    found: list[Identity] = []
    for path in paths:
        if outside is not None and path.resolve().is_relative_to(outside.resolve()):
            raise Refused(
                f"the identity {str(path)!r} lies inside the repository it opens",
                hint="Keep it elsewhere: whoever takes the repository takes the key along.",
            )
        found += _identities(path)
    return found


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

    _require_open(path)
    lines = _lines(path, what="an identity")
    try:
        if _PRIVATE.decode() in lines[0]:
            return [Identity(path, pyrage.ssh.Identity.from_buffer(path.read_bytes()))]
        return [Identity(path, pyrage.x25519.Identity.from_str(line)) for line in lines]
    except pyrage.IdentityError as exc:
        hint = "Name the file that age-keygen wrote, or a private key of SSH: ed25519 or RSA."
        if "must be decrypted" in str(exc):
            hint = f"Take the passphrase off a copy: ssh-keygen -p -N '' -f COPY-OF-{path.name}"
        raise ConfigError(
            f"{str(path)!r} does not hold an identity of age: {exc}", hint=hint
        ) from None


def _require_open(path: Path) -> None:
    """Raise `ConfigError` where a passphrase guards the key: nobody may be there to type it."""
    with suppress(OSError):  # which is told where it is read
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        if head.startswith(_SEALED):
            raise ConfigError(
                f"{str(path)!r} is locked by a passphrase, and only its content is a key",
                hint="Open it for as long as it is needed: (umask 077; age -d -o /dev/shm/key "
                f"{path}); give --identity /dev/shm/key, and remove that.",
            )


def _lines(path: Path, *, what: str) -> list[str]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else "it is not text"
        raise ConfigError(
            f"cannot read {what} from {str(path)!r}: {why}",
            hint="Name a file that age-keygen wrote.",
        ) from None
    lines = [line.strip() for line in text.splitlines()]
    found = [line for line in lines if line and not line.startswith("#")]
    if not found:
        raise ConfigError(f"{str(path)!r} holds no key", hint="Name a file that age-keygen wrote.")
    return found
