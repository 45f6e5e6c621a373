"""`Work`: a statement with its sizes; bounds and exact use counts, whatever the schedule."""

from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from . import arguments
from .notation import Reference, Spot, Subscript

_LARGEST_GRID = 50_000_000


@dataclass(frozen=True)
class Work:
    """What a nest does; made by `Work.of` from the constructor's arguments of `LoopNest`."""

    statement: object
    size: dict  # index -> int
    tables: dict  # index array's name -> array of integers, of the type that was given
    pads: dict  # tensor -> pad of each axis
    shapes: dict  # tensor -> shape: factors, output, index arrays
    itemsize: dict  # tensor -> bytes

    @classmethod
    def of(cls, statement, sizes, *, shapes, pad, index, itemsize):
        size = arguments.sizes(statement, sizes)
        tables = arguments.tables(statement, index)
        work = cls(statement, size, tables, arguments.pads(statement, pad), {}, {})
        work.shapes.update(arguments.shapes(work, shapes))
        work.itemsize.update(arguments.itemsizes(work, itemsize))
        work.check_writes()
        return work

    # --- values of subscripts -------------------------------------------------------------

    def values(self, subscript, indexes):
        """The subscript at every setting of `indexes`: an array that broadcasts to their grid."""
        total = np.int64(subscript.constant)
        for name, coefficient in subscript.terms.items():
            along = [1] * len(indexes)
            along[indexes.index(name)] = self.size[name]
            total = total + coefficient * np.arange(self.size[name]).reshape(along)
        for coefficient, lookup in subscript.lookups:
            at = tuple(self.values(s, indexes) for s in lookup.subscripts)
            total = total + coefficient * self.tables[lookup.name][at].astype(np.int64)
        return total

    def bounds(self, subscript):
        """The smallest and the largest value of a subscript."""
        if subscript.lookups:
            indexes = subscript.indexes
            self.check_grid(indexes)
            values = self.values(subscript, indexes)
            return int(np.min(values)), int(np.max(values))
        reach = [c * (self.size[i] - 1) for i, c in subscript.terms.items()]
        low, high = sum(r for r in reach if r < 0), sum(r for r in reach if r > 0)
        return subscript.constant + low, subscript.constant + high

    def check_grid(self, indexes):
        points = prod(self.size[i] for i in indexes)
        if points > _LARGEST_GRID:
            raise ValueError(
                f"LoopNest: indexes {', '.join(indexes)} share a subscript and span {points:,} "
                f"points; exact counts stop at {_LARGEST_GRID:,}, so use smaller sizes"
            )

    # --- counts ---------------------------------------------------------------------------

    @cached_property
    def valid(self):
        """Iterations at which no padded axis is left."""
        if not self.pads:
            return prod(self.size.values())
        return prod(int(n.sum()) for _, _, n in self._groups(None)) * self._free(None)

    def use_counts(self, tensor):
        """How often the iterations touch each element, as an array of the tensor's shape."""
        return self._uses(self._references(tensor), self.shapes[tensor])

    def _uses(self, references, shape):
        """The same for some references to a tensor of this shape."""
        total = np.zeros(shape, np.int64)
        for reference in references:
            uses = np.full((1,) * total.ndim, self._free(reference), np.int64)
            for axes, cells, counts in self._groups(reference):
                if not axes:
                    uses = uses * counts.sum()
                    continue
                dense = np.zeros([shape[a] for a in axes], np.int64)
                dense[tuple(cells)] = counts
                along = [n if a in axes else 1 for a, n in enumerate(shape)]
                uses = uses * dense.transpose(np.argsort(axes)).reshape(along)
            total += uses
        return total

    def use_range(self, tensor):
        """The smallest and the largest use count of a tensor's elements."""
        found = self._references(tensor)
        if len(found) > 1:
            counts = self.use_counts(tensor)
            return int(counts.min()), int(counts.max())
        fewest = most = self._free(found[0])
        if self._plain(found[0]):
            whole = prod(self.shapes[tensor]) == prod(self.size[i] for i in found[0].indexes)
            return (fewest if whole else 0), most
        for axes, cells, counts in self._groups(found[0]):
            if not axes:
                fewest, most = fewest * int(counts.sum()), most * int(counts.sum())
                continue
            everywhere = cells.shape[1] == prod(self.shapes[tensor][a] for a in axes)
            fewest *= int(counts.min()) if everywhere and counts.size else 0
            most *= int(counts.max()) if counts.size else 0
        return fewest, most

    def touched(self, tensor, turn=None):
        """How many different elements are touched; with an index `turn`, at each of its values,
        all together."""
        if (tensor, turn) not in self._touched:
            self._touched[tensor, turn] = self._touched_now(tensor, turn)
        return self._touched[tensor, turn]

    @cached_property
    def _touched(self):
        """What `touched` has found so far: the layers of a network share their nests."""
        return {}

    def _touched_now(self, tensor, turn):
        found, shape = self._references(tensor), self.shapes[tensor]
        found = [r for n, r in enumerate(found) if r not in found[:n]]
        if turn is not None:
            found = [_at_each(turn, reference) for reference in found]
            shape = (self.size[turn], *shape)
        for reference in found:
            if self._plain(reference):
                each = prod(self.size[i] for i in reference.indexes)
                if len(found) == 1 or each == prod(shape):
                    return each
        if len(found) > 1:
            return int(np.count_nonzero(self._uses(found, shape)))
        return prod(
            cells.shape[1] if axes else bool(counts.sum())
            for axes, cells, counts in self._groups(found[0])
        )

    def _references(self, tensor):
        """Where a tensor stands in the text, as a factor, as the output or as an index array."""
        references = self.statement.references
        tables = [t for r in references for t in r.lookups]
        return [r for r in (*references, *tables) if r.name == tensor]

    def _plain(self, reference):
        """Whether every axis is one index of its own: then no grid has to be counted."""
        indexes = [s.plain for s in reference.subscripts]
        return not self.pads and None not in indexes and len(set(indexes)) == len(indexes)

    def _forms(self, reference):
        """(axis or None, subscript, extent or None): what decides where and whether we touch."""
        forms = []
        if reference is not None:
            forms = [(a, s, None) for a, s in enumerate(reference.subscripts)]
        for padded in self.statement.references:
            for a, p in enumerate(self.pads.get(padded.name, ())):
                if p:
                    forms.append((None, padded.subscripts[a], self.shapes[padded.name][a]))
        return forms

    def _free(self, reference):
        """Iterations of the loops that no form depends on."""
        used = {i for _, s, _ in self._forms(reference) for i in s.indexes}
        return prod(n for i, n in self.size.items() if i not in used)

    def _groups(self, reference):
        """Forms that share indexes, counted together: (axes, their cells, how often each).

        `cells` has a row for each axis; each column is one combination that is touched.
        """
        groups = []  # of (set of indexes, list of forms)
        for form in self._forms(reference):
            indexes, forms = set(form[1].indexes), [form]
            for other in [g for g in groups if g[0] & indexes]:
                groups.remove(other)
                indexes, forms = indexes | other[0], other[1] + forms
            groups.append((indexes, forms))
        return [self._cells(indexes, forms) for indexes, forms in groups]

    def _cells(self, indexes, forms):
        indexes = [i for i in self.size if i in indexes]
        self.check_grid(indexes)
        grid = [self.size[i] for i in indexes]
        touched = np.ones(grid, bool)
        for axis, subscript, extent in forms:
            if axis is None:
                at = self.values(subscript, indexes)
                touched &= (at >= 0) & (at < extent)
        axes = [a for a, _, _ in forms if a is not None]
        rows = [
            np.broadcast_to(self.values(s, indexes), grid)[touched]
            for a, s, _ in forms
            if a is not None
        ]
        if not axes:
            return axes, np.zeros((0, 0), np.int64), np.array([np.count_nonzero(touched)])
        if len(rows) == 1:
            cells, counts = np.unique(rows[0], return_counts=True)
            return axes, cells[None], counts
        cells, counts = np.unique(np.array(rows), axis=1, return_counts=True)
        return axes, cells, counts

    def check_writes(self):
        """Refuse a `=` that would write an element twice: its result would hang on the order."""
        output = self.statement.output
        if self.statement.accumulates or all(s.plain for s in output.subscripts):
            return
        for axes, cells, counts in self._groups(output):
            if axes and counts.size and counts.max() > 1:
                where = ", ".join(str(int(c)) for c in cells[:, counts.argmax()])
                raise Spot(
                    self.statement.text,
                    output.subscripts[axes[0]].start,
                    f"'=' writes {output.name!r} at {where} {counts.max()} times, "
                    "so its value would hang on the loop order; use '+=', or no duplicates",
                )


def _at_each(index, reference):
    """A reference with an axis more, in front: the value of an index."""
    first = Subscript(0, {index: 1}, (), reference.start)
    return Reference(reference.name, (first, *reference.subscripts), reference.start)
