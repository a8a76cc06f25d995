"""The pages of the commands are what the commands say of themselves."""

import runpy
from pathlib import Path

TOP = Path(__file__).parent.parent


def test_every_command_has_its_page_and_every_page_its_command() -> None:
    wanted: dict[str, str] = runpy.run_path(str(TOP / "scripts" / "command_pages.py"))["pages"]()
    found = {page.name: page.read_text("utf-8") for page in (TOP / "docs" / "commands").glob("*")}
    assert sorted(found) == sorted(wanted)
    for name, text in wanted.items():
        assert found[name] == text, f"docs/commands/{name} is of another day: run make docs"
