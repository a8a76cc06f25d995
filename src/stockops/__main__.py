"""``python -m stockops``, and the console script."""

from .cli import main


def run() -> None:
    """Run the command line."""
    main(prog_name="stockops")


if __name__ == "__main__":
    run()
