"""Memory of a seed: it does not grow with the market."""

import json
import subprocess
import sys
from typing import Any

import pytest
from conftest import Labs, migrated_database

from stockops import lab as labs
from stockops.lab import Lab
from stockops.targets import Target

# The most that any process of the seed ever had in memory, on the last line. A process of its own
# says it: a child's account begins with the size of the parent that it was forked from.
WATCH = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], check=False).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""
MIB = 2**20
# 200 users are a little of a chunk of each table, 12,000 the most of one: 7 MiB more were seen.
# Their rows are 12 MiB of text, and several times as much as objects.
GROWTH_BYTES_MAX = 15 * MIB
# 70 MiB were seen; it is the interpreter, the listing and two chunks.
PEAK_BYTES_MAX = 112 * MIB
MILLION_SECONDS_MAX = 3600


def seed(target: Target, users: int, *, within_s: float) -> tuple[dict[str, Any], int]:
    """Seed by the command, two accounts a user; return what it says, and its peak."""
    command = [sys.executable, "-m", "stockops", "seed", "run", "-t", target.url]
    command += ["--format", "json", "--days", "1"]
    command += ["--users", str(users), "--accounts", str(2 * users)]
    done = subprocess.run(
        [sys.executable, "-c", WATCH, *command],
        capture_output=True,
        text=True,
        timeout=within_s,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said, _, kibibytes = done.stdout.strip().rpartition("\n")
    return json.loads(said)[0], int(kibibytes) * 1024


def test_a_larger_market_takes_no_more_memory(lab: Lab) -> None:
    peaks = []
    for users in (200, 12_000):
        with migrated_database(lab) as target:
            peaks.append(seed(target, users, within_s=150)[1])
    assert peaks[1] - peaks[0] < GROWTH_BYTES_MAX
    assert max(peaks) < PEAK_BYTES_MAX


@pytest.mark.soak
@pytest.mark.timeout(MILLION_SECONDS_MAX + 600)
def test_a_million_users_take_no_more_memory(engine: str, all_labs: Labs) -> None:
    all_labs.get(engine)  # skips where the engine is missing
    with labs.temporary(engine) as lab, migrated_database(lab) as target:
        said, peak = seed(target, 1_000_000, within_s=MILLION_SECONDS_MAX)
    rows = {table["table"]: table["rows"] for table in said["tables"]}
    house_users, house_accounts = 1, 5
    assert rows["users"] == 1_000_000 + house_users
    assert rows["accounts"] == 2_000_000 + house_accounts
    assert peak < PEAK_BYTES_MAX
