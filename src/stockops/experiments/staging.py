"""Indexes built on a copy, of which any set can be shown to a query, and the rest hidden."""

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..engine.base import Server
from ..indexes import candidates as thinking
from ..indexes import catalogue
from ..indexes.candidates import Shape
from ..indexes.catalogue import Index, Name
from ..indexes.covering import covers
from ..indexes.questions import LIST, SIZES, IndexRow, Size
from ..indexes.tables import Table, TableName
from . import answering, indexing
from .answering import Asking
from .indexing import Build, Built
from .samples import Sample


@dataclass(slots=True)
class Stage:
    """The copy as one session sees it. All that is built is dropped by `clear`."""

    server: Server
    tables: Mapping[TableName, Table]
    before: list[Index]
    built: dict[Shape, Built] = field(default_factory=dict)
    _hidden: set[Shape] = field(default_factory=set)

    def build(self, shape: Shape) -> Built:
        """Build the index of `shape`, or raise what the server has against it."""
        there = {_name(row) for row in self.server.fetch(LIST)}
        taken = [index.row.index_name for index in self.before]
        taken += [each.row.index_name for each in self.built.values()]
        name = thinking.named(shape, taken)
        table = self.tables[shape.table]
        statement = thinking.create(shape, table, name, engine=self.server.engine)
        began = time.monotonic()
        self.server.execute(statement)
        took_s = time.monotonic() - began
        new = [row for row in self.server.fetch(LIST) if _name(row) not in there]
        live = thinking.create(shape, table, name, engine=self.server.engine, live=True)
        self.built[shape] = Built(
            row=next(row for row in new if row.index_name == name),
            names=frozenset(row.index_name for row in new),
            size_bytes=0,
            live=Build(statement=live, lock="", waiting="nobody", took_s=took_s),
        )
        return self.built[shape]

    def drop(self, shape: Shape) -> None:
        """Drop the index of `shape`."""
        indexing.drop(self.server, self.built.pop(shape))
        self._hidden.discard(shape)

    def clear(self) -> None:
        """Drop all that was built."""
        for shape in list(self.built):
            self.drop(shape)

    @contextmanager
    def showing(self, shapes: Collection[Shape]) -> Iterator[None]:
        """
        Let queries see `shapes`, of all that was built, in a transaction that is rolled back.

        What was there before is seen as ever.
        """
        hide = [each for each in self.built if each not in shapes]
        if self.server.engine == "mariadb":
            again = [self.built[each] for each in shapes if each in self._hidden]
            if again:
                with indexing.seeing(self.server, again, visible=True):
                    pass
            hide = [each for each in hide if each not in self._hidden]
            self._hidden = {each for each in self.built if each not in shapes}
        with indexing.seeing(self.server, [self.built[each] for each in hide], visible=False):
            yield

    def used(self, asking: Asking, sample: Sample) -> frozenset[Shape]:
        """Return what of all that is built and shown the plan for `sample` reads."""
        plan = asking.plan(self.server, sample)
        return frozenset(
            shape for shape, built in self.built.items() if answering.uses(plan, built.names)
        )

    def sizes(self) -> dict[Shape, int]:
        """Return the sizes of all that is built, in bytes."""
        by_name = {_name(each): each.size_bytes for each in self.server.fetch(SIZES)}
        return {
            shape: by_name.get((*shape.table, built.row.index_name), 0)
            for shape, built in self.built.items()
        }

    def covered(self) -> dict[Shape, str]:
        """Return which of the built do what an index that was there does already, and which."""
        mine = self._mine()
        return {
            shape: other.row.index_name
            for shape, index in mine.items()
            for other in self.before
            if covers(other, index)
        }

    def made_redundant(self, shape: Shape) -> list[Index]:
        """Return the indexes that were there and whose work that of `shape` does as well."""
        with self.showing([shape]):
            pass  # MariaDB's IGNORED outlives the block, and what is ignored covers nothing
        index = self._mine()[shape]
        return [other for other in self.before if covers(index, other)]

    def _mine(self) -> dict[Shape, Index]:
        names = {(*s.table, built.row.index_name): s for s, built in self.built.items()}
        found = catalogue.read(self.server).indexes
        return {names[index.name]: index for index in found if index.name in names}


def _name(row: IndexRow | Size) -> Name:
    return (row.schema_name, row.table_name, row.index_name)
