"""What the scorecard adds to pytest: only tests that are a case of it run, and only those asked."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--case``."""
    parser.addoption("--case", action="append", default=[], help="run this case alone; repeat")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what bears no number, on this engine, or none that was asked for."""
    only = set(config.getoption("--case"))
    kept = [item for item in items if _wanted(item, only)]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def _wanted(item: pytest.Item, only: set[str]) -> bool:
    numbers = {str(value) for name, value in item.user_properties if name == "case"}
    clean = any(name == "clean" for name, _ in item.user_properties)
    return bool(numbers & only) if only else bool(numbers) or clean
