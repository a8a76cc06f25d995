"""The operating system's user that a lab's server runs as."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from ..errors import ConfigError

PROBE_S = 10.0


class Switch(TypedDict, total=False):
    """Arguments for `subprocess` that make the child run as the account."""

    user: int
    group: int
    extra_groups: Sequence[int]


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine; `switch` is empty when it is the one who is running."""

    name: str
    uid: int
    gid: int

    @property
    def switch(self) -> Switch:
        """What makes a child process run as this account."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give `path` to the account."""
        if self.switch:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def can_run(self, program: Path) -> bool:
        """Tell whether the account can execute `program`: only trying tells about every parent."""
        try:
            tried = subprocess.run(
                [program, "--version"],
                cwd="/",
                capture_output=True,
                check=False,
                timeout=PROBE_S,
                **self.switch,
            )
        except OSError:
            return False
        return tried.returncode == 0

    def can_enter(self, directory: Path) -> bool:
        """Tell whether the account can reach `directory`."""
        tried = subprocess.run(
            ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(directory)],
            cwd="/",
            capture_output=True,
            check=False,
            timeout=PROBE_S,
            **self.switch,
        )
        return tried.returncode == 0


def named(name: str) -> Account:
    """Return the account called `name`; `ConfigError` where this machine has none."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise ConfigError(
            f"there is no user {name!r} on this machine",
            hint="Set STOCKOPS_LAB_USER to a user without rights, such as nobody.",
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def choose(usual: str) -> Account:
    """
    Return who runs a server that is usually run by the user `usual` ("postgres", "mysql").

    An ordinary user runs it as himself. Root never does: $STOCKOPS_LAB_USER, else `usual`, else
    nobody.
    """
    if os.geteuid() != 0:
        return own()
    asked = os.environ.get("STOCKOPS_LAB_USER")
    if asked:
        account = named(asked)
        if account.uid == 0:
            raise ConfigError(
                f"STOCKOPS_LAB_USER is {asked!r}, and a database server does not run as root",
                hint="Set STOCKOPS_LAB_USER to a user without rights, such as nobody.",
            )
        return account
    try:
        return named(usual)
    except ConfigError:
        return named("nobody")


def serving(user: str) -> Account:
    """Return whom a server that was made for `user` runs as: for an ordinary user that is he."""
    return named(user) if os.geteuid() == 0 else own()


def own() -> Account:
    """Return the account that is running."""
    uid, gid = os.geteuid(), os.getegid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:  # a container may run as a number that /etc/passwd does not know
        name = str(uid)
    return Account(name, uid, gid)
