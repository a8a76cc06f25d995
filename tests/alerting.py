"""Real Prometheus, Alertmanager and exporter of a test's own, and somebody who is notified."""

import json
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import eventually
from watched import MONITORING, RULES

from stockops.lab.servers import free_port

STARTED_WITHIN_S = 60.0
TOLD_WITHIN_S = 60.0
RANGE_WITHIN_S = 120.0  # an hour of seconds, while the machine has other work


@dataclass(slots=True)
class Person:
    """Who hears of alerts: each as (alert, instance, firing or resolved), with the moment."""

    url: str
    heard: list[tuple[str, str, str, float]] = field(default_factory=list)

    def hears(self, alert: str, instance: str, status: str) -> float:
        """Wait for a message, and return when it came."""

        def came() -> float | None:
            return next(
                (at for *what, at in [*self.heard] if what == [alert, instance, status]), None
            )

        at = eventually(came, within_s=TOLD_WITHIN_S)
        assert at is not None
        return at


@dataclass(frozen=True, slots=True)
class Stack:
    """What runs: where Prometheus answers, who is told, and the exporter's process."""

    prometheus: str
    person: Person
    exporter: subprocess.Popen[bytes]

    def value(self, query: str) -> float | None:
        """Return what `query` answers with now, where it is one number."""
        url = f"{self.prometheus}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            found = json.load(answer)["data"]["result"]
        return float(found[0]["value"][1]) if found else None

    def series(self, query: str, *, last_s: float) -> list[dict[str, Any]]:
        """Return the series that `query` has had in the last `last_s` seconds, with its values."""
        now = time.time()
        asked = {"query": query, "start": now - last_s, "end": now, "step": 1}
        url = f"{self.prometheus}/api/v1/query_range?{urllib.parse.urlencode(asked)}"
        with urllib.request.urlopen(url, timeout=RANGE_WITHIN_S) as answer:
            found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return found


@contextmanager
def person() -> Iterator[Person]:
    """Somebody with a webhook."""

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            for each in said["alerts"]:
                labels = each["labels"]
                told.heard.append(
                    (labels["alertname"], labels["instance"], each["status"], time.monotonic())
                )
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Ear) as server:
        told = Person(f"http://127.0.0.1:{server.server_port}/")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield told
        server.shutdown()
        thread.join(10)


@contextmanager
def running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` until the end of the block; it ends by SIGTERM, or is killed after 10 s."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(60)


def impatient(content: str) -> str:
    """Return rules that wait for nothing: the only thing a test changes in them."""
    return re.sub(r"^( +for): .*$", r"\1: 0s", content, flags=re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a stack differs from what is shipped: its rules, and how often slow values are read."""

    rules: Callable[[str], str] = impatient
    slow_every_s: float = 60.0


def configured(
    folder: Path, *, names: list[str], ports: tuple[int, int], rules: Callable[[str], str]
) -> Path:
    """Write our own prometheus.yml with other addresses and seconds instead of quarters of them."""
    exporter, alertmanager = ports
    content: Any = yaml.safe_load((MONITORING / "prometheus.yml").read_text("utf-8"))
    content["global"] = {
        "scrape_interval": "1s",
        "scrape_timeout": "1s",
        "evaluation_interval": "1s",
    }
    content["rule_files"] = [str(folder / "rules" / "*.yml")]
    addresses = content["alerting"]["alertmanagers"][0]["static_configs"][0]
    addresses["targets"] = [f"127.0.0.1:{alertmanager}"]
    ours = content["scrape_configs"][0]
    ours["static_configs"] = [{"targets": names}]
    ours["relabel_configs"][-1]["replacement"] = f"127.0.0.1:{exporter}"
    content["scrape_configs"] = [ours]
    (folder / "rules").mkdir()
    for path in RULES:
        (folder / "rules" / path.name).write_text(rules(path.read_text("utf-8")))
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(content))
    return file


def routed(folder: Path, told: Person) -> Path:
    """Write our own alertmanager.yml with the person's address, and without its patience."""
    text = (
        (MONITORING / "alertmanager.yml")
        .read_text("utf-8")
        .replace("http://127.0.0.1:9099/", told.url)
    )
    text = re.sub(r"(group_wait|group_interval): \w+", r"\1: 1s", text)
    file = folder / "alertmanager.yml"
    file.write_text(text)
    return file


def require(*programs: str) -> None:
    """Skip the test where one of `programs` is not installed."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program} here: scripts/install-test-servers.sh")


@contextmanager
def stack(
    folder: Path, config: Path, names: list[str], manner: Manner = Manner()
) -> Iterator[Stack]:
    """Start all of it for the targets `names` of the stockops.yaml at `config`."""
    require("prometheus", "prometheus-alertmanager")
    exporter, alertmanager, prometheus = free_port(), free_port(), free_port()
    with ExitStack() as running_all:
        told = running_all.enter_context(person())
        ports = (exporter, alertmanager)
        commands = {
            "exporter": [
                sys.executable, "-m", "stockops", "exporter", "serve", f"--config={config}",
                f"--target={names[0]}", f"--listen=127.0.0.1:{exporter}",
                f"--slow-every={manner.slow_every_s}",
            ],
            "alertmanager": [
                "prometheus-alertmanager", f"--config.file={routed(folder, told)}",
                f"--storage.path={folder / 'alerts'}", "--cluster.listen-address=",
                f"--web.listen-address=127.0.0.1:{alertmanager}",
            ],
            "prometheus": [
                "prometheus", f"--storage.tsdb.path={folder / 'series'}",
                f"--web.listen-address=127.0.0.1:{prometheus}", "--config.file="
                f"{configured(folder, names=names, ports=ports, rules=manner.rules)}",
            ],
        }  # fmt: skip
        started = {
            name: running_all.enter_context(running(command, folder / f"{name}.log"))
            for name, command in commands.items()
        }
        made = Stack(f"http://127.0.0.1:{prometheus}", told, started["exporter"])
        for port in (exporter, alertmanager, prometheus):
            eventually(partial(listens, port), within_s=STARTED_WITHIN_S)
        eventually(lambda: made.value("sum(stockops_up)") == len(names), STARTED_WITHIN_S)
        yield made


def listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0
