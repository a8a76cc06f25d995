"""Every panel of ours has something to show, and Grafana finds what the files name."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from watched import MONITORING

from stockops.engine import connect
from stockops.targets import Target

TOP = Path(__file__).resolve().parent.parent
DASHBOARDS = sorted(MONITORING.joinpath("dashboards").glob("*.json"))
SOURCES = MONITORING / "provisioning" / "datasources" / "stockops.yml"


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return content


def questions(engine: str) -> list[tuple[str, str]]:
    """Return the title and the SQL of each panel and variable that asks a database of `engine`."""
    board = read(MONITORING / "dashboards" / f"{engine}-market.json")
    asked = [(v["name"], v["query"]) for v in board["templating"]["list"]]
    return asked + [(p["title"], t["rawSql"]) for p in board["panels"] for t in p["targets"]]


def test_every_panel_of_sql_is_answered_by_a_seeded_market(market: Target, engine: str) -> None:
    with connect(market) as server:
        values: dict[str, str] = {}
        for title, sql in questions(engine):
            sql = re.sub(r"\$\{(\w+)(?::\w+)?\}", lambda m: values[m[1]], sql)
            assert "$" not in sql, title
            rows = server.rows(sql)
            if title in {"symbol", "account"}:
                assert rows, title
                values[title] = str(next(iter(rows[0].values())))
            elif title != "AI signals":  # nobody has predicted anything in the small market
                assert rows, title
                assert all(value is not None for value in rows[0].values()), title


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_is_one_that_grafana_can_place(path: Path) -> None:
    board = read(path)
    known = {each["uid"] for each in yaml.safe_load(SOURCES.read_text("utf-8"))["datasources"]}
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        assert panel["datasource"]["uid"] in known, panel["title"]
        assert panel["targets"], panel["title"]
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24, panel["title"]
        assert not cells & taken, panel["title"]
        taken |= cells


def test_no_two_dashboards_are_one_to_grafana() -> None:
    uids = [read(path)["uid"] for path in DASHBOARDS]
    assert len(set(uids)) == len(uids) == 8


def test_the_page_shows_every_dashboard() -> None:
    docs = TOP / "docs"
    page = (docs / "dashboards.md").read_text("utf-8")
    for path in DASHBOARDS:
        said = re.search(rf"^`{path.name}`, (\d+) panels", page, re.MULTILINE)
        assert said, path.name
        assert int(said[1]) == len(read(path)["panels"]), path.name
        assert (docs / "pictures" / f"dashboard-{path.stem}.png").is_file()


def test_the_compose_file_names_files_that_are_there() -> None:
    content = yaml.safe_load((MONITORING / "docker-compose.yml").read_text("utf-8"))
    for name, service in content["services"].items():
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            if source.startswith("./"):
                assert (MONITORING / source).exists(), (name, source)
            else:
                assert source in content["volumes"]
    variables = set(re.findall(r"\$\{(\w+)", SOURCES.read_text("utf-8")))
    assert variables <= content["services"]["grafana"]["environment"].keys()
