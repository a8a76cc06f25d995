"""Each role is enough for the commands that docs/roles.md names, run as a login with it alone."""

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import Labs
from market import Markets
from trading import Bed, login, member

from stockops import roles
from stockops.cli import main
from stockops.engine import ENGINES, connect

PAGE = Path(__file__).parents[1] / "docs/roles.md"
DENIED = re.compile(r"(permission|command|Access) denied|may not|must be owner|hidden from")
AT = "--date 2025-01-03 --at 10:00"
KEYS = "--key-file {home}/tokens.key"

# How each is run: in this order, for some need what others left.
RUN: Mapping[str, str] = {
    "seed status": "",
    "seed run": "--listing {home}/small.csv --users 20 --accounts 40 --days 10",
    "trade order": f"--account 1001 --symbol 005930 --side buy --quantity 1 --key k {AT}",
    "trade cancel": f"1 {AT}",
    "trade run": "--orders 20 --clients 1 --no-journal --date 2025-01-03",
    "trade audit": "{home}/journal",
    "trade predictions generate": f"--seed 1 --count 10 {AT}",
    "trade predictions list": "",
    "trade conditions add": "{home}/rule.json --account 1001 --expires 2025-01-31 " + AT,
    "trade conditions list": "",
    "trade conditions run": AT,
    "trade rebalance": f"--due {AT}",
    "trade auctions": "--date 2025-01-03 --at 15:31 --i-mean {target}",
    "trade action rename": "000660 --name other --i-mean {target}",
    "trade settle": "--date 2025-01-06 --i-mean {target}",
    "books fold": "--through 2025-01-03 --i-mean {target}",
    "books seal": "--i-mean {target}",
    "books check": "",
    "books check --incremental": "",
    "books check --prove": "",
    "indicators apply": "--i-mean {target}",
    "indicators show": "005930",
    "indicators check": "--issues 1",
    "research backtest": "--symbol 005930 --window 5",
    "research patterns": "--symbol 005930",
    "research recommend": f"--user 1001 {AT}",
    "research weekly": f"--user 1001 {AT}",
    "research simulations": "",
    "report scenario": "movers",
    "alerts notify": "",
    "privacy store-token": "1001 --token-file {home}/token --i-mean {target} " + KEYS,
    "privacy check-tokens": KEYS,
    "privacy rotate-key": "--i-mean {target} " + KEYS,
    "privacy erase": "1002 --with-holdings --yes --i-mean {target}",
    "migrate status": "",
    "migrate verify": "",
    "migrate plan": "",
    "partitions plan": "",
    "health check": "blocking long_statements sequences connections partitions",
    "exporter once": "",
    "slow top": "--interval 0.5 --count 1",
    "locks tree": "",
    "storage status": "",
    "index audit": "--only duplicate --only redundant",
    "settings advise": "--rule max_connections --memory 4GB --cpus 2 --disk ssd",
    "replica status": "",
    "alerts lint": "",
    "backup take": "--logical --repository {home}/repository",
    "backup hash": "--repository {home}/repository",
    "backup archive status": "--repository {home}/repository",
}


def named() -> dict[str, list[str]]:
    """What the page says that each role is enough for."""
    found = {}
    for line in PAGE.read_text("utf-8").splitlines():
        if match := re.match(r"\| `stockops_(\w+)` \| [^|]+ \| (.+) \|$", line):
            found[match[1]] = re.findall(r"`([^`]+)`", match[2])
    return found


@pytest.fixture(scope="module", params=sorted(ENGINES))
def bed(request: pytest.FixtureRequest, all_labs: Labs, markets: Markets) -> Iterator[Bed]:
    with markets.open(all_labs.get(str(request.param))) as target, connect(target) as server:
        if server.engine == "postgresql":
            server.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        roles.apply(server, roles.plan(server, target.database))
        yield Bed(server, target)


@pytest.fixture(scope="module")
def home(bed: Bed, markets: Markets, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    (home / "small.csv").write_bytes(Path(markets.plan.listing).read_bytes())
    (home / "rule.json").write_text(
        '{"symbol": "005930", "side": "buy", "quantity": 1, "min_confidence": 0.6}'
    )
    (home / "token").write_text("secret")
    (home / "token").chmod(0o600)
    (home / "stockops.yaml").write_text(
        f"notify:\n  channels:\n    file: {{type: log, path: {home}/notices.log}}\n"
        "  messages: {email: file, push: file, sms: file}\n"
    )
    run(f"privacy make-key --key-file {home}/tokens.key")
    run(f"backup init --repository {home}/repository")
    run(f"trade run -t {bed.target.url} --orders 20 --clients 1 --journal {home}/journal")
    return home


def run(words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, shlex.split(words))
    return done.exit_code, done.output


@pytest.mark.parametrize("role", ["read", "monitor", "backup", "app", "owner"])
def test_a_role_is_enough_for_what_the_page_says(bed: Bed, home: Path, role: str) -> None:
    commands = sorted(named()[role], key=[*RUN].index)
    assert commands
    with member(bed, role) as server:
        target = login(bed, server).url
        said = {}
        for command in commands:
            words = RUN[command].format(home=home, target=target)
            config = "" if "backup" in command else f"--config {home}/stockops.yaml"
            code, output = run(f"{command} -t {target} {config} {words}")
            told = "\n".join(line for line in output.splitlines() if line[:1] != "#")
            if code not in {0, 1} or DENIED.search(told):
                said[command] = (code, output[-400:])
    assert said == {}


def test_rules_are_not_called_fine_by_what_a_role_may_not_see(bed: Bed) -> None:
    with member(bed, "read") as server:
        code, output = run(f"alerts lint -t {login(bed, server).url}")
    assert code == 1
    assert re.search(r"^not known: .* collector 'trading' fails: .*denied", output, re.MULTILINE)
