"""The objects of a backup, read as they were before they were compressed and encrypted."""

from collections.abc import Iterator
from contextlib import contextmanager

from ...errors import StorageError
from .. import streams
from ..keys import Identities
from ..manifest import File
from ..repository import Backup, Repository


@contextmanager
def reading(
    repo: Repository, backup: Backup, file: File, identities: Identities
) -> Iterator[streams.Reader]:
    """Give a reader of `file`, or raise `StorageError` where it is not there."""
    name = f"{backup.folder}/{file.name}"
    try:
        stored = repo.store.open(name)
    except FileNotFoundError:
        raise StorageError(
            f"{backup.id} is not whole: {file.name!r} is missing",
            hint="Take another backup: stockops backup list",
        ) from None
    with stored, streams.reading(stored, name=name, identities=identities) as reader:
        yield reader
