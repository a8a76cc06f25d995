"""The pages of the commands are what the commands say of themselves."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
SCRIPTS = TOP / "scripts"
ASK = "import command_pages, json; print(json.dumps(command_pages.pages()))"


def test_every_command_has_its_page_and_every_page_its_command() -> None:
    # In a process of its own: a command that was once called without its parents keeps its help.
    asked = subprocess.run(
        [sys.executable, "-c", ASK], cwd=SCRIPTS, capture_output=True, check=True, timeout=60
    )
    wanted: dict[str, str] = json.loads(asked.stdout)
    found = {page.name: page.read_text("utf-8") for page in (TOP / "docs" / "commands").glob("*")}
    assert sorted(found) == sorted(wanted)
    for name, text in wanted.items():
        assert found[name] == text, f"docs/commands/{name} is of another day: run make docs"


def test_no_help_has_its_examples_in_one_paragraph() -> None:
    """Click keeps lines apart below a backspace; an r in front of the text makes it two letters."""
    for page in (TOP / "docs" / "commands").glob("*.md"):
        assert "\\b" not in page.read_text("utf-8"), page.name


@pytest.mark.parametrize("readme", ["README.md", "README.ko.md"])
def test_the_table_of_commands_names_every_verb(readme: str) -> None:
    rows = re.findall(r"^\| \[`stockops (\S+)`\][^|]*\|([^|]*)\|", (TOP / readme).read_text(), re.M)
    told = {noun: re.findall(r"`(\S+)`", verbs) for noun, verbs in rows}
    there = {
        page.stem: re.findall(rf"^## stockops {page.stem} (\S+)$", page.read_text("utf-8"), re.M)
        for page in (TOP / "docs" / "commands").glob("*.md")
        if page.stem != "README"
    }
    assert {noun: sorted(verbs) for noun, verbs in told.items()} == there
