"""``python -m stockops``, and the console script."""

import gc

_GARBAGE_MIN = 50_000  # objects; as many are made at the start, and hardly one of them is garbage


def run() -> None:
    """Run the command line."""
    gc.set_threshold(_GARBAGE_MIN)
    from .cli import main  # noqa: PLC0415  to look for garbage meanwhile takes 9 ms

    main(prog_name="stockops")


if __name__ == "__main__":
    run()
