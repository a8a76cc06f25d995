"""Jobs as units of systemd: a service and a timer each, and a service that tells of failures."""

import os
from collections.abc import Sequence
from pathlib import Path

from .. import disk
from ..errors import StorageError
from . import schedules
from .entries import Place, Planned, program

PREFIX = "stockops-job-"
FAILED = "stockops-failed.service"
MARGIN_S = 60  # the job ends itself before systemd does
DELAY_SHARE = 20  # of the interval, by which starts are spread
DELAY_S_MAX = 600
_HEAD = "# Written by `stockops job timers --install`: change ops/jobs.yaml, not this.\n"


def usual_folder() -> Path:
    """Return where units of this user stand: the machine's for root."""
    if os.geteuid() == 0:
        return Path("/etc/systemd/system")
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(config) / "systemd" / "user"


def files(jobs: Sequence[Planned], place: Place) -> dict[str, str]:
    """Return the text of each unit by the name of its file."""
    found = {}
    for job in jobs:
        found[f"{PREFIX}{job.name}.service"] = _service(job)
        found[f"{PREFIX}{job.name}.timer"] = _timer(job)
    found[FAILED] = _failed(jobs, place)
    return found


def write(units: dict[str, str], folder: Path) -> None:
    """Write `units` into `folder`, and remove those of ours that are none of them."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in units.items():
            disk.write_whole(folder / name, text.encode(), mode=0o644)
        for old in stale(units, folder):
            old.unlink(missing_ok=True)
    except OSError as exc:
        raise StorageError(
            f"the units cannot be written to {str(folder)!r}: {exc.strerror}",
            hint="Name another folder with --folder.",
        ) from exc


def stale(units: dict[str, str], folder: Path) -> list[Path]:
    """Return the units in `folder` that we wrote, and that are none of `units` any more."""
    ours = [path for path in sorted(folder.glob("stockops-*")) if path.name not in units]
    return [path for path in ours if path.read_text("utf-8", "replace").startswith(_HEAD)]


def _service(job: Planned) -> str:
    variables = "".join(f"Environment={_quoted(f'{n}={v}')}\n" for n, v in job.environment)
    return f"""{_HEAD}[Unit]
Description=stockops: {_plain(job.title)}
Documentation=man:systemd.timer(5)
OnFailure={FAILED}

[Service]
Type=oneshot
{variables}ExecStart={" ".join(map(_quoted, job.argv))}
TimeoutStartSec={job.timeout_s + MARGIN_S}
Nice=10
NoNewPrivileges=yes
ProtectSystem=full
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictSUIDSGID=yes
LockPersonality=yes
"""


def _timer(job: Planned) -> str:
    return f"""{_HEAD}[Unit]
Description=stockops: when {_plain(job.name)} runs

[Timer]
OnCalendar={schedules.calendar(job.at)}
Persistent=yes
RandomizedDelaySec={min(job.every_s // DELAY_SHARE, DELAY_S_MAX)}

[Install]
WantedBy=timers.target
"""


def _failed(jobs: Sequence[Planned], place: Place) -> str:
    words = [*program(), "job", "list"]
    if "channels" in place.has:
        words.append("--notify")
        if place.config is not None:
            words += ["--config", str(place.config)]
    variables = jobs[0].environment if jobs else ()
    lines = "".join(f"Environment={_quoted(f'{n}={v}')}\n" for n, v in variables)
    return f"""{_HEAD}[Unit]
Description=stockops: what became of the jobs, told when one fails

[Service]
Type=oneshot
{lines}ExecStart={" ".join(map(_quoted, words))}
SuccessExitStatus=1
TimeoutStartSec={MARGIN_S}
NoNewPrivileges=yes
"""


def _quoted(word: str) -> str:
    r"""Return `word` as systemd reads one: %% and $$ are themselves, a backslash quotes."""
    text = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return text if text and not set(text) & set(" \t'\";\\") else f'"{text}"'


def _plain(text: str) -> str:
    return text.replace("%", "%%")
