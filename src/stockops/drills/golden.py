"""The data that every sandbox begins with: made once for a version, and copied for each drill."""

import hashlib
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from .. import audit, children, filelock, schema, seeding, workload
from .. import lab as labs
from ..engine import connect
from ..errors import Busy
from ..lab import Fill, Lab, place
from ..lab.account import Account
from ..lab.process import environment
from ..migrations import files
from ..seeding import SeedPlan
from ..targets import Target
from ..workload import RunPlan

SEED = SeedPlan(users=200, accounts=400, days=20)
ORDERS = 600
COPY_S = 600.0
WAIT_S = 300.0
_OWNER = "owner"  # a file: who may do everything in the data
_POLL_S = 0.2


def fill(engine: str, settings: Mapping[str, str]) -> Fill:
    """Return what fills a lab with a market, and has it run with `settings`."""
    source = _there(engine)
    owner = (source / _OWNER).read_text("utf-8") if engine == "postgresql" else None

    def put(lab: Lab, account: Account) -> Mapping[str, str]:
        copy(source / "data", lab.data, lab=lab, account=account)
        return settings

    return Fill(put, owner=owner)


def copy(source: Path, to: Path, *, lab: Lab, account: Account) -> None:
    """Copy what is in the directory `source` into `to`, as the account of `lab`."""
    words: list[str | Path] = ["cp", "-a", "--reflink=auto", "--sparse=always", f"{source}/.", to]
    children.run(
        words,
        cwd=lab.directory,
        log=lab.log_path,
        env=environment(lab.directory),
        within_s=COPY_S,
        switch=account.switch,
    )


def _there(engine: str) -> Path:
    """
    Return the directory of the data for `engine`, made now where there is none of this kind.

    It stands among the labs, or in $STOCKOPS_GOLDEN, which who may enter labs must enter, too.
    """
    stated = os.environ.get("STOCKOPS_GOLDEN")
    root = Path(stated).absolute() if stated else place.labs_root()
    place.make_open(root)
    version = labs.ENGINES[engine].find(version=None, directory=None).version
    schema = [each.checksum for each in files.read(files.folder_of(engine), engine)]
    kind = hashlib.sha256(f"{version} {schema} {SEED} {ORDERS}".encode()).hexdigest()[:12]
    prefix = f".golden-{engine}-"
    final = root / f"{prefix}{kind}"
    with _alone(root / f".golden-{engine}.lock"):
        if not final.is_dir():
            for old in root.glob(f"{prefix}*"):
                shutil.rmtree(old)
            _make(engine, final)
    return final


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Hold `lock` for the block, after whoever is making the data now."""
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            with filelock.hold(lock, what="the data of sandboxes"):
                yield
                return
        except Busy:
            if time.monotonic() > deadline:
                raise
            time.sleep(_POLL_S)


def _make(engine: str, final: Path) -> None:
    making = final.with_name(f"{final.name}.making")
    making.mkdir()
    making.chmod(0o711 if os.geteuid() == 0 else 0o700)
    with labs.temporary(engine) as lab:
        target = Target(name=lab.name, url=lab.url(), lab=lab.name)
        schema.build(target)
        seeding.run(target, SEED)
        _trade(target)
        labs.stop(lab)
        (making / _OWNER).write_text(lab.owner, encoding="utf-8")
        lab.data.rename(making / "data")
    making.rename(final)


def _trade(target: Target) -> None:
    """Have some trades there, and the days before them folded: no invariant lacks its rows."""
    workload.run(target, RunPlan(orders=ORDERS, clients=1))
    with connect(target) as server:
        last = server.rows("SELECT max(business_date) AS day FROM trades")[0]["day"]
        audit.fold(server, last - timedelta(days=1))
