"""`index advise --backup last`: what is measured is the last whole backup of the target."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from spots import Spot

from stockops.backups import repository, taking
from stockops.backups.taking import Request
from stockops.cli.main import main

ROWS = 20_000
FILL = {
    "postgresql": "INSERT INTO asked SELECT n, n % 4000, repeat('z', 90) "
    f"FROM generate_series(1, {ROWS}) AS n",
    "mariadb": f"INSERT INTO asked SELECT seq, seq % 4000, repeat('z', 90) FROM seq_1_to_{ROWS}",
}
RESET = {
    "postgresql": "SELECT pg_stat_statements_reset()",
    "mariadb": "TRUNCATE performance_schema.events_statements_summary_by_digest",
}


def advise(spot: Spot, place: Path, *more: str) -> Result:
    words = ["index", "advise", "-t", spot.target.url, "--backup", "last"]
    return CliRunner().invoke(main, [*words, "--repository", str(place), *more])


@pytest.mark.parametrize(
    "measured",
    [False, pytest.param(True, marks=pytest.mark.soak)],
    ids=["planned", "measured"],
)
def test_candidates_are_tried_on_the_last_backup_of_the_target(
    spot: Spot, tmp_path: Path, *, measured: bool
) -> None:
    engine, server = spot.lab.engine, spot.server
    repo = repository.make(str(tmp_path / "repository"))
    nothing = advise(spot, tmp_path / "repository")
    assert nothing.exit_code == 2
    assert "there is no backup of" in nothing.stderr
    assert "Take one: stockops backup take" in nothing.stderr
    server.execute("CREATE TABLE asked (id INT PRIMARY KEY, owner INT, said VARCHAR(200))")
    try:
        server.execute(FILL[engine])
        analyze = {"postgresql": "ANALYZE asked", "mariadb": "ANALYZE TABLE asked"}[engine]
        server.execute(analyze)
        made = taking.take(repo, spot.target, Request())
        (tmp_path / "repository" / "backups" / "another-1").mkdir()  # it is not alone there
        server.execute("DELETE FROM asked")  # the live table has nothing to draw from
        server.execute(RESET[engine])
        for owner in range(40):
            server.rows("SELECT id, said FROM asked WHERE owner = %(owner)s", {"owner": owner})
        more = ["--seconds", "10"] if measured else ["--plan"]
        done = advise(spot, tmp_path / "repository", *more)
    finally:
        server.execute("DROP TABLE asked")
    assert done.exit_code == (1 if measured else 0), done.output
    assert made.id in done.output
    assert "asked" in done.stdout
    assert "(owner)" in done.stdout.replace("`", "")
