"""
What may be broken at all: a server that stockops made, that is this one, and that nobody uses.

A token stands in the data directory and in the database: whoever finds both the same has what was
made for drills. A copy of the directory has both, and the same number of its system: so the server
has to read, too, what was written into the directory a moment ago. Then no address, no link and no
proxy leads elsewhere. What destroys data needs a sandbox, a lab that was made for the run and goes
with it; nothing overrides that.
"""

import os
import secrets
from collections.abc import Collection
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from .. import children, disk, queries, sessions, state
from ..engine import connect
from ..engine.base import Server
from ..errors import Fault, Refused, ServerError
from ..lab import Lab, marker
from ..sessions import SessionRow
from ..targets import Target

TOKEN_FILE = ".stockops-sandbox"  # noqa: S105  a name
WORD_FILE = ".stockops-here"
SWITCH = "STOCKOPS_NO_CHAOS"
SWITCH_FILE = Path("/etc/stockops/no-chaos")
OURS = ("stockops drill",)  # how the applications of a run begin
GONE_S = 1.5  # a server keeps a session that was closed for a moment
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_BYSTANDERS = ("it is a process of the server", "it is a thread of", "it is the autovacuum")
_REPLICATION = ("it sends the log", "it is replication")


def allowed() -> str | None:
    """Return why nothing may be broken now, in words; None where it may. Cheap: ask it often."""
    if os.environ.get(SWITCH):
        return f"${SWITCH} is set"
    return next((f"{str(path)!r} is there" for path in switch_files() if path.exists()), None)


def switch_files() -> tuple[Path, Path]:
    """Return the files, the machine's and this user's, either of which switches drills off."""
    return SWITCH_FILE, state.place() / SWITCH_FILE.name


def require_allowed() -> None:
    """Raise `Refused` where the switch says that nothing may be broken."""
    why_not = allowed()
    if why_not:
        raise Refused(
            f"drills are switched off on this machine: {why_not}",
            hint="Somebody wants that; when he agrees: "
            f"unset {SWITCH}; rm -f {' '.join(map(str, switch_files()))}",
        )


def plant(made: Lab, target: Target) -> None:
    """
    Give the lab `made`, at `target`, a token of its own: in its data directory and the database.

    A replica, which cannot be written to, keeps the row of its primary, and gets the file for it.
    """
    with connect(target, application="stockops drill") as server:
        token = secrets.token_hex(16)
        try:
            for name in ("place", "table"):
                server.execute(_sql(server, name))
            server.execute(_sql(server, "plant"), {"token": token})
        except ServerError as exc:
            if exc.fault is not Fault.READ_ONLY:
                raise
            token = _row(server) or token
    _put(made, TOKEN_FILE, token)


def require(
    made: Lab,
    target: Target,
    *,
    destroys: bool,
    ours: Collection[str] = OURS,
    replicas: Collection[str] = (),
) -> None:
    """
    Raise `Refused`, with what to do, unless the server of `made`, at `target`, may be broken.

    `destroys` is of a fault that harms data. Sessions whose applications begin with one of `ours`
    are the run's own; `replicas` are the applications or logins of the replicas it knows.
    """
    require_allowed()
    _require_lab(made, target, destroys=destroys)
    _require_near(made, target)
    with connect(target, application="stockops drill") as server:
        _require_token(made, server)
        _require_here(made, server)
        _require_alone(made, server, ours, replicas)


def _require_lab(made: Lab, target: Target, *, destroys: bool) -> None:
    known = marker.read(made.directory)
    if known is None:
        raise Refused(
            f"{str(made.directory)!r} is no lab of stockops: only those are broken",
            hint="Leave out --target: a drill makes a sandbox for itself.",
        )
    if target.protected:
        raise Refused(
            f"the target {target.name!r} is protected, and a drill breaks what it is given",
            hint="Leave out --target: a drill makes a sandbox for itself.",
        )
    if destroys and not (made.temporary and known.temporary):
        raise Refused(
            f"this fault destroys data, and the lab {made.name!r} is meant to stay",
            hint="Leave out --target: a drill makes a sandbox for itself. Nothing overrides it.",
        )


def _require_near(made: Lab, target: Target) -> None:
    """Raise `Refused` unless `target` is at a socket in a file, or on this machine's loopback."""
    parts = urlsplit(target.url)
    query = parse_qs(parts.query)
    stated = [*query.get("host", []), *query.get("unix_socket", []), *query.get("hostaddr", [])]
    places = [each for value in stated for each in value.split(",")] or [parts.hostname or ""]
    far = [
        unquote(each)
        for each in places
        if not unquote(each).startswith("/") and each not in _LOOPBACK
    ]
    if far:
        raise Refused(
            f"{far[0]!r} is not this machine: a drill breaks what is here, or nothing",
            hint=f"The lab is at: {made.url()}",
        )


def _require_token(made: Lab, server: Server) -> None:
    path = made.data / TOKEN_FILE
    try:
        held = path.read_text("ascii").strip()
    except FileNotFoundError:
        held = ""
    stored = _row(server)
    if held and held == stored:
        return
    what = "has no token" if not held or stored is None else "is not the one in the directory"
    raise Refused(
        f"the server of the lab {made.name!r} {what}: it is not known to be a sandbox",
        hint="Leave out --target: a drill makes a sandbox for itself.",
    )


def _require_here(made: Lab, server: Server) -> None:
    """Raise `Refused` unless `server` reads what is written into the directory of `made` now."""
    word = secrets.token_hex(16)
    path = _put(made, WORD_FILE, word)
    try:
        rows = server.rows(_sql(server, "word"), {"file": WORD_FILE})
    finally:
        path.unlink(missing_ok=True)
    if str(rows[0]["word"] or "").strip() != word:
        raise Refused(
            f"the server of the lab {made.name!r} does not read {str(path)!r}: its data are "
            "elsewhere, and one of the two is a copy",
            hint="Leave out --target: a drill makes a sandbox for itself.",
        )


def _put(made: Lab, name: str, text: str) -> Path:
    """Write a file of that name into the data directory of `made`, for its server to read."""
    path = made.data / name
    # MariaDB's load_file() gives nobody what not everybody may read; the directory is closed.
    disk.write_whole(path, f"{text}\n".encode(), mode=0o644)
    owner = made.data.stat()
    os.chown(path, owner.st_uid, owner.st_gid)
    return path


def _require_alone(
    made: Lab, server: Server, ours: Collection[str], replicas: Collection[str]
) -> None:
    strangers: list[SessionRow] = []

    def alone() -> bool:
        strangers[:] = [
            each
            for each in sessions.activity(server)
            if not _is_known(each, tuple(ours), frozenset(replicas))
        ]
        return not strangers

    if children.wait_until(alone, within_s=GONE_S):
        return
    first = strangers[0]
    who = f"{first.login!r} with {first.application or 'no application'!r}"
    if _is(first, _REPLICATION):
        raise Refused(
            f"the lab {made.name!r} has a replica that this run does not know: {who}",
            hint=f"Look at it: stockops replica status -t {made.name}",
        )
    raise Refused(
        f"{len(strangers)} others are connected to the lab {made.name!r}; the first is {who}, "
        f"session {first.session_id}",
        hint=f"Wait until they are gone, or ask them: stockops slow top -t {made.name}",
    )


def _is_known(session: SessionRow, ours: tuple[str, ...], replicas: frozenset[str]) -> bool:
    if _is(session, _BYSTANDERS) or session.login == "system user":  # it follows a primary
        return True
    if _is(session, _REPLICATION):
        return not replicas.isdisjoint({session.application, session.login})
    return session.application.startswith(ours)


def _is(session: SessionRow, kinds: tuple[str, ...]) -> bool:
    return (session.spared or "").startswith(kinds)


def _row(server: Server) -> str | None:
    """Return the token that the server holds; None where nobody planted one."""
    try:
        rows = server.rows(_sql(server, "token"), {})
    except ServerError:
        return None
    return str(rows[0]["token"]) if rows else None


def _sql(server: Server, name: str) -> str:
    return queries.text(server.engine, f"guarding/{name}", server.version[0])
