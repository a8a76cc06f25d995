"""The commands a newcomer types first, and the lock files they install from."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
MAKEFILE = (TOP / "Makefile").read_text("utf-8")
TARGETS = re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE)


def pinned(lock: str) -> dict[str, str]:
    text = (TOP / "requirements" / lock).read_text("utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", text, re.MULTILINE))


def asked_for(requirements: list[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9_-]", each)[0].lower().replace("_", "-") for each in requirements}


def test_make_help_has_a_line_for_every_target() -> None:
    # A make above this suite would have its own level announced in what is read here.
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    said = subprocess.run(
        ["make", "help"], cwd=TOP, env=outside, capture_output=True, text=True, check=True
    )
    assert [line.split()[1] for line in said.stdout.splitlines()] == sorted(TARGETS)


def test_every_target_can_be_made_whatever_files_there_are() -> None:
    (phony,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert sorted(phony.split()) == sorted(TARGETS)


def test_every_script_that_make_runs_is_there() -> None:
    for script in re.findall(r"scripts/[a-z_-]+\.(?:sh|py)", MAKEFILE):
        assert (TOP / script).is_file(), script


def test_ci_runs_what_the_readme_says() -> None:
    assert (TOP / ".ci" / "run").read_text("utf-8").splitlines()[-1] == "exec make test"
    assert (TOP / ".ci" / "run").stat().st_mode & 0o111


@pytest.mark.parametrize("lock", ["run.txt", "dev.txt"])
def test_a_lock_has_a_hash_for_every_version_and_names_no_host(lock: str) -> None:
    text = (TOP / "requirements" / lock).read_text("utf-8")
    assert "://" not in text
    blocks = re.split(r"\n(?=\S)", text.strip())
    assert len(blocks) > 20
    for block in blocks:
        assert re.match(r"[a-z0-9.-]+==\S+", block), block
        assert "--hash=sha256:" in block, block


def test_the_locks_name_all_that_is_asked_for_in_the_same_versions() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))
    run, dev = pinned("run.txt"), pinned("dev.txt")
    assert asked_for(project["project"]["dependencies"]) <= run.keys()
    assert asked_for(project["build-system"]["requires"]) <= run.keys()
    assert asked_for(project["dependency-groups"]["dev"]) <= dev.keys()
    assert {name: dev.get(name) for name in run} == run
