"""Write docs/erd.md from the catalog of a PostgreSQL lab that is migrated for it."""

from pathlib import Path

from stockops import catalog, erd, lab, migrations
from stockops.engine import connect

PAGE = Path(__file__).parent.parent / "docs" / "erd.md"


def main() -> None:
    """Write the page."""
    with lab.temporary("postgresql") as server_of_its_own:
        url = server_of_its_own.url()
        migrations.up(url)
        with connect(url) as server:
            PAGE.write_text(erd.render(catalog.read(server)), "utf-8")
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
