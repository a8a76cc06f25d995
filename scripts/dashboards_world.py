"""Two servers at work, and a real Prometheus that watches them: what dashboards are asked of."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from stockops import children, resources, schema, seeding
from stockops import lab as labs
from stockops.drills import alarms
from stockops.errors import StockopsError
from stockops.lab import servers
from stockops.targets import ENGINES, Target

NAMES = {"postgresql": "prod", "mariadb": "prodmy"}
READY_S, RUN_S, EVERY_S = 60.0, 150, 2


@dataclass(frozen=True, slots=True)
class World:
    """What the panels ask: a Prometheus, the database of each engine; since when there is any."""

    prometheus: str
    targets: Mapping[str, Target]
    since_s: float

    def ask(self, path: str, **asked: object) -> list[dict[str, Any]]:
        """Return what Prometheus answers; `StockopsError` where it does not."""
        return alarms.asked_of(self.prometheus, path, **asked)


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Give what the panels ask, after two minutes and a half of trade, a backup and a check."""
    with ExitStack() as stack:
        targets = {}
        for engine in ENGINES:
            made = stack.enter_context(labs.temporary(engine))
            targets[engine] = Target(name=NAMES[engine], url=made.url(), lab=made.name)
            schema.build(targets[engine])
            seeding.run(targets[engine], seeding.SeedPlan(users=100, accounts=200, days=250))
        config = folder / "stockops.yaml"
        said = {
            "default": NAMES["postgresql"],
            "targets": {each.name: {"url": each.url} for each in targets.values()},
            "backup": {"repository": str(folder / "repository")},
        }
        config.write_text(json.dumps(said), "utf-8")
        config.chmod(0o600)
        port, url = servers.free_port(), f"127.0.0.1:{servers.free_port()}"
        names = [each.name for each in targets.values()]
        words = ["exporter", "serve", f"--target={names[0]}", f"--listen=127.0.0.1:{port}"]
        _begin(stack, folder, "exporter", [*_ours(config, *words), f"--slow-every={EVERY_S}"])
        series = [f"--storage.tsdb.path={folder / 'series'}", f"--web.listen-address={url}"]
        rules = f"--config.file={_configured(folder, port, names)}"
        _begin(stack, folder, "prometheus", ["prometheus", rules, *series])
        there = World(f"http://{url}", targets, time.time())
        if not children.wait_until(lambda: _sees(there, len(names)), within_s=READY_S):
            raise RuntimeError(f"Prometheus sees no server: {folder}")
        _business(stack, folder, config, names)
        yield there


def _business(stack: ExitStack, folder: Path, config: Path, names: Sequence[str]) -> None:
    """Have both servers trade, and do beside it what the nightly jobs do."""

    def does(*words: str) -> str:
        return subprocess.run(
            _ours(config, *words),
            cwd=folder,
            env=_environment(folder),
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=READY_S * 5,
        ).stdout

    load = ("trade", "run", "--clients", "2", "--rate", "25", "--no-journal", "--seconds")
    running = [
        subprocess.Popen(_ours(config, *load, str(RUN_S), "-t", name), cwd=folder,
                         env=_environment(folder), stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
        for name in names
    ]  # fmt: skip
    does("backup", "init", "--repository", str(folder / "repository"))
    for name in names:
        receive = _ours(config, "backup", "archive", "run", "-t", name)
        _begin(stack, folder, f"archive-{name}", receive)
        does("trade", "predictions", "generate", "--seed", "1", "--at", "10:00", "-t", name)
        does("backup", "take", "-t", name)
        does("books", "check", "-t", name)
        does("job", "run", "books", "--", "true")
    for backup in json.loads(does("backup", "list", "--format", "json") or "[]"):
        does("backup", "drill", backup["id"], "--to", "backup")
    does("drill", "run", "backend-killed", "--engine", "both")
    for each in running:
        each.wait(timeout=RUN_S + READY_S)
    time.sleep(3 * EVERY_S)


def _configured(folder: Path, port: int, names: Sequence[str]) -> Path:
    """Write our own prometheus.yml with other addresses, and seconds instead of their quarters."""
    ours = resources.folder("monitoring")
    content: Any = yaml.safe_load((ours / "prometheus.yml").read_text("utf-8"))
    every = f"{EVERY_S}s"
    content["global"] = {"scrape_interval": every, "scrape_timeout": every,
                         "evaluation_interval": every}  # fmt: skip
    content["rule_files"] = [str(ours / "rules" / "*.yml")]
    del content["alerting"]
    scrape = content["scrape_configs"][0]
    scrape["static_configs"] = [{"targets": list(names)}]
    scrape["relabel_configs"][-1]["replacement"] = f"127.0.0.1:{port}"
    content["scrape_configs"] = [scrape]
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(content), "utf-8")
    return file


def _sees(there: World, count: int) -> bool:
    try:
        said = there.ask("query", query="sum(stockops_up)")
    except StockopsError:  # it does not answer yet
        return False
    return bool(said) and float(said[0]["value"][1]) == count


def _ours(config: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "stockops", *words, f"--config={config}"]


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "STOCKOPS_STATE": str(folder / "state")}


def _begin(stack: ExitStack, folder: Path, name: str, words: Sequence[str]) -> None:
    child = children.start(words, cwd=folder, log=folder / f"{name}.log", env=_environment(folder))
    stack.callback(child.end)
