"""The lock of one who is alone at something, where its session is broken off."""

import pytest
from conftest import eventually

from stockops import advisory
from stockops.engine import connect
from stockops.engine.base import Server
from stockops.errors import Busy
from stockops.targets import Target


def is_free(server: Server) -> bool:
    try:
        with advisory.alone(server, "count", wait_s=0):
            return True
    except Busy:
        return False


def test_what_broke_a_session_off_is_told_and_its_lock_is_free(
    server: Server, target: Target
) -> None:
    """Ctrl-C in the middle of an answer closes the connection of MariaDB."""
    with connect(target) as other, pytest.raises(KeyboardInterrupt):  # noqa: SIM117
        with advisory.alone(other, "count", wait_s=0):
            assert not is_free(server)
            other.close()
            raise KeyboardInterrupt
    assert eventually(lambda: is_free(server))


def test_what_ends_a_block_leaves_its_session_without_the_lock(
    server: Server, target: Target
) -> None:
    with connect(target) as other:
        with pytest.raises(KeyboardInterrupt), advisory.alone(other, "count", wait_s=0):
            raise KeyboardInterrupt
        assert is_free(server)
