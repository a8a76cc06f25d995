"""
What a real Prometheus makes of a fault: which of our alert rules become pending, and which fire.

It runs in the sandbox, asks our exporter there every second, and goes by `monitoring/rules`. Nobody
waits for days in a drill: rates look back `WINDOW`, and a limit that the head of the drill gives a
threshold for has that one. How long a condition has to last (`for`) stays, so that most alerts are
pending at the end, and no more.
"""

import json
import os
import re
import shutil
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from .. import children, durations, resources
from ..children import Child
from ..errors import ConfigError, StockopsError
from ..health.ranges import Range
from ..lab import servers
from ..processes import Process
from .faults.base import Spot
from .head import Detect
from .history import Alarm
from .inverse import Kill

PROGRAM = "prometheus"
EVERY = "1s"
WINDOW = "15s"
READY_S = 60.0
LOOK_S = 0.5  # the answers are no finer
SLOW_S = 2  # how often the exporter reads what is slow to read
ASK_S = 5.0
MORE_S = 4.0  # for the others, after the first
HEAR_S = (
    45.0  # for the first: an exporter that keeps its session looks every 30 s whether it gets one
)
AFTER_S = 20.0  # for those that are silent when all is mended
BEFORE_S = 3.0  # so long before the fault an alert may have been there already
STEP_S = 0.5
_ANSWERS = re.compile(rb"(http://127\.0\.0\.1:\d+)/metrics")
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_LOOKS_BACK = re.compile(r"\[\d+[smhd]\]")
_LIMIT = re.compile(r"([<>]=?) (\d+(?:\.\d+)?)(?![\w.])(?! [*/])")


class Alarms:
    """The alerts that a drill expects, as Prometheus has them. `found` is the last look's."""

    def __init__(self, url: str, expected: Sequence[Alarm]) -> None:
        self.found = tuple(expected)
        self._url = url
        self._zero = 0.0
        self._looked = 0.0

    @property
    def silent(self) -> tuple[str, ...]:
        """The alerts that were not even pending."""
        return tuple(each.alert for each in self.found if each.pending_s is None)

    def heard(self, now: float) -> bool:
        """Tell whether all have been pending, or no other is to be waited for, `now`."""
        since = [each.pending_s for each in self.found if each.pending_s is not None]
        return not self.silent or (bool(since) and now - self._zero > min(since) + MORE_S)

    def begin(self) -> None:
        """Count from now on: the fault is injected."""
        self._zero = time.time()

    def look(self) -> None:
        """Ask Prometheus, unless it was asked a moment ago, or all has been pending by now."""
        if self.silent and time.monotonic() - self._looked >= LOOK_S:
            with suppress(StockopsError):  # the next look tells
                self.read()

    def read(self) -> None:
        """Ask Prometheus what has been pending and firing since the fault."""
        if not self.found:
            return
        self._looked = time.monotonic()
        names = "|".join(each.alert for each in self.found)
        said = asked_of(
            self._url,
            "query_range",
            query=f'ALERTS{{alertname=~"{names}"}}',
            start=self._zero - BEFORE_S,
            end=time.time(),
            step=STEP_S,
        )
        series = [(each["metric"], [at for at, _ in each["values"]]) for each in said]
        self.found = tuple(self._at(each, series) for each in self.found)

    def _at(self, alarm: Alarm, series: Sequence[tuple[Mapping[str, str], list[float]]]) -> Alarm:
        active: dict[tuple[tuple[str, str], ...], set[float]] = {}
        firing: set[float] = set()
        for metric, instants in series:
            if metric["alertname"] == alarm.alert:
                labels = {key: each for key, each in metric.items() if key != "alertstate"}
                active.setdefault(tuple(sorted(labels.items())), set()).update(instants)
                if metric["alertstate"] == "firing":
                    firing.update(instants)
        begins = [at for instants in active.values() for at in begun(instants, self._zero)]
        pending = min(begins, default=None)
        fires = [at for at in firing if pending is not None and at >= pending]
        return replace(
            alarm,
            pending_s=self._after(pending),
            firing_s=self._after(min(fires, default=None)),
        )

    def _after(self, at: float | None) -> float | None:
        return None if at is None else round(at - self._zero, 1)


def begun(instants: Collection[float], zero: float) -> list[float]:
    """
    Return when an alert began after `zero`, of all the instants at which it was there.

    One that was there before the fault, and goes on, tells nothing of it.
    """
    return [at for at in instants if at >= zero and at - STEP_S not in instants]


def require() -> None:
    """Raise `ConfigError` where there is no Prometheus."""
    if shutil.which(PROGRAM) is None:
        raise ConfigError(
            f"there is no {PROGRAM} on the PATH, and --prometheus starts one in the sandbox",
            hint=f"apt-get install {PROGRAM}; or leave --prometheus out.",
        )


@contextmanager
def watching(spot: Spot, detect: Detect) -> Iterator[Alarms]:
    """Have Prometheus watch the sandbox for the block; begin when it sees every server of it."""
    folder = spot.folder / "alarms"
    (folder / "rules").mkdir(parents=True)
    expected = rules(detect, folder / "rules")
    if not expected:
        yield Alarms("", ())
        return
    targets = {spot.target.name: spot.front.url}
    if spot.replica is not None:
        targets[spot.replica.name] = spot.replica.url(spot.target.database)
    with ExitStack() as stack:
        exporter = _exporter(stack, spot, folder, targets)
        port = servers.free_port()
        config = _configured(folder, exporter=exporter, names=[*targets])
        words = [
            PROGRAM, f"--config.file={config}", f"--storage.tsdb.path={folder / 'series'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]  # fmt: skip
        child, log = _start(stack, spot, folder, words, inside=())
        url = f"http://127.0.0.1:{port}"

        def sees() -> bool:
            if child.code is not None:
                raise children.failed(f"{PROGRAM} ended", log)
            try:
                said = asked_of(url, "query", query="sum(stockops_up)")
            except StockopsError:  # it does not answer yet
                return False
            return bool(said) and float(said[0]["value"][1]) == len(targets)

        if not children.wait_until(sees, within_s=READY_S):
            raise StockopsError(f"{PROGRAM} does not see the sandbox within {READY_S:.0f} s")
        yield Alarms(url, expected)


def rules(detect: Detect, folder: Path) -> tuple[Alarm, ...]:
    """Write our rules as a drill has them into `folder`; return the alerts that it expects."""
    of_name: dict[str, Alarm] = {}
    for path in sorted((resources.folder("monitoring") / "rules").glob("*.yml")):
        content: Any = yaml.safe_load(path.read_text("utf-8"))
        for rule in (rule for group in content["groups"] for rule in group["rules"]):
            expr, limit = str(rule["expr"]), detect.thresholds.get(rule.get("alert", ""))
            rule["expr"] = _LOOKS_BACK.sub(f"[{WINDOW}]", expr)
            here = [f"rates over {WINDOW}"] if rule["expr"] != expr else []
            if limit is not None:
                rule["expr"], said = _limited(rule["alert"], rule["expr"], limit)
                here.append(said)
            if rule.get("alert") in detect.alerts:
                known = of_name.get(rule["alert"])
                lasts = str(rule.get("for", "0s"))
                of_name[rule["alert"]] = Alarm(
                    alert=rule["alert"],
                    lasts=min(known.lasts, lasts, key=durations.seconds) if known else lasts,
                    here=", ".join(here),
                )
        (folder / path.name).write_text(yaml.safe_dump(content), "utf-8")
    return tuple(of_name[name] for name in detect.alerts if name in of_name)


def _limited(alert: str, expr: str, limit: Range) -> tuple[str, str]:
    """Return `expr` with `limit` for the number it compares with, and the comparison in words."""
    found = _LIMIT.findall(expr)
    if len(found) != 1:
        raise ConfigError(
            f"the rule of {alert} compares with {len(found)} numbers, and a threshold is for one",
            hint=f"Take {alert} out of detect.thresholds: {expr}",
        )
    sign, number = found[0]
    edge = limit.high if sign.startswith(">") else limit.low
    return _LIMIT.sub(f"{sign} {edge:g}", expr), f"{sign} {edge:g} instead of {number}"


def _exporter(stack: ExitStack, spot: Spot, folder: Path, targets: Mapping[str, str]) -> str:
    """Start our exporter for `targets`; return where it answers, as HOST:PORT."""
    config = folder / "stockops.yaml"
    said: dict[str, Any] = {
        "default": spot.target.name,
        "targets": {name: {"url": url} for name, url in targets.items()},
    }
    if spot.repository:
        said["backup"] = {"repository": str(spot.repository)}
    config.write_text(json.dumps(said), "utf-8")
    config.chmod(0o600)
    words = [
        sys.executable, "-m", "stockops", "exporter", "serve", f"--config={config}",
        f"--target={spot.target.name}", "--listen=127.0.0.1:0", f"--slow-every={SLOW_S}",
    ]  # fmt: skip
    # The exporter looks at disks, and has to see those that the server sees.
    inside = spot.volumes.seeing if spot.volumes else ()
    child, log = _start(stack, spot, folder, words, inside=inside)

    def answers() -> bool:
        if child.code is not None:
            raise children.failed("the exporter of the drill ended", log)
        return _ANSWERS.search(log.read_bytes()) is not None

    if not children.wait_until(answers, within_s=READY_S):
        raise StockopsError(f"the exporter of the drill does not begin within {READY_S:.0f} s")
    found = _ANSWERS.search(log.read_bytes())
    return found[1].decode().removeprefix("http://") if found else ""


def _start(
    stack: ExitStack, spot: Spot, folder: Path, words: Sequence[str], *, inside: Sequence[str]
) -> tuple[Child, Path]:
    """Start a program that ends with us, or with the guardian; return it and its log."""
    log = folder / f"{Path(words[0]).name}.log"
    environment = {**os.environ, "STOCKOPS_STATE": str(folder / "state")}
    child = children.start([*inside, *words], cwd=folder, log=log, env=environment)
    stack.callback(child.end)
    spot.undo.arm(Kill(process=Process.of(child.pid), whom="group"))
    return child, log


def _configured(folder: Path, *, exporter: str, names: Sequence[str]) -> Path:
    """Write a prometheus.yml that asks about `names` as ours does, every second."""
    ours: Any = yaml.safe_load(
        (resources.folder("monitoring") / "prometheus.yml").read_text("utf-8")
    )
    job = ours["scrape_configs"][0]
    job["static_configs"] = [{"targets": [*names]}]
    job["relabel_configs"][-1]["replacement"] = exporter
    made = {
        "global": {
            "scrape_interval": EVERY,
            "scrape_timeout": EVERY,
            "evaluation_interval": EVERY,
        },
        "rule_files": [str(folder / "rules" / "*.yml")],
        "scrape_configs": [job],
    }
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(made), "utf-8")
    return file


def asked_of(url: str, what: str, **asked: object) -> list[dict[str, Any]]:
    """Return what Prometheus answers; `StockopsError` where it does not."""
    words = f"{url}/api/v1/{what}?{urllib.parse.urlencode(asked)}"
    try:
        with _DIRECT.open(words, timeout=ASK_S) as answer:
            found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
    except (OSError, ValueError) as exc:
        raise StockopsError(f"{PROGRAM} does not answer: {exc}") from exc
    return found
