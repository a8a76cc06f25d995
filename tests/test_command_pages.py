"""The pages of the commands are what the commands say of themselves."""

import json
import subprocess
import sys
from pathlib import Path

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
