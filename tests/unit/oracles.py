"""Slow and independent: nests by brute force from Python's own parser, caches by ordered dicts."""

import ast
import itertools
from collections import Counter, OrderedDict

import numpy as np


class Brute:
    """Walks a nest with nothing of the package but its text, sizes and list of loops."""

    def __init__(self, nest, pads=None, index=None):
        self.nest, self.pads = nest, pads or {}
        # Python's integers, which do not overflow
        self.tables = {name: np.array(table, object) for name, table in (index or {}).items()}
        statement = ast.parse(nest.text).body[0]
        self.accumulates = isinstance(statement, ast.AugAssign)
        self.output = statement.target if self.accumulates else statement.targets[0]
        self.factors, self.joiner = [], None
        self._flatten(statement.value)

    def _flatten(self, node):
        if isinstance(node, ast.BinOp):
            self.joiner = type(node.op)
            self._flatten(node.left)
            self.factors.append(node.right)
        else:
            self.factors.append(node)

    def settings(self):
        """{index: value} of each iteration, by trying every combination of block and offset."""
        loops = self.nest.schedule.loops
        chains = {}
        for n, loop in enumerate(loops):
            chains.setdefault(loop.index, []).append((-loop.step, loop.name == loop.index, n))
        spans = [range(0, self.nest.size[x.index] + x.step, x.step) for x in loops]
        for offsets in itertools.product(*spans):
            value, fits = {}, True
            for index, chain in chains.items():
                bound = self.nest.size[index]
                own = [(offsets[n], loops[n].step) for _, _, n in sorted(chain)]
                value[index] = sum(offset for offset, _ in own)
                for k, (_, step) in enumerate(own):
                    fits = fits and sum(offset for offset, _ in own[k:]) < bound
                    bound = step
            if fits:
                yield value

    def subscripts(self, node, value):
        if isinstance(node, ast.Name):
            return ()
        axes = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return tuple(self.number(axis, value) for axis in axes)

    def number(self, node, value):
        return int(eval(compile(ast.Expression(node), "", "eval"), {}, {**self.tables, **value}))  # noqa: S307

    def name(self, node):
        return node.id if isinstance(node, ast.Name) else node.value.id

    def lookups(self, node):
        """The look-ups inside a reference, left to right."""
        if isinstance(node, ast.Name):
            return []
        found = [n for n in ast.walk(node.slice) if isinstance(n, ast.Subscript)]
        return sorted(found, key=lambda n: n.col_offset)

    def inside(self, node, at):
        shape = self.nest.shape(self.name(node))
        out = [max(-i, i - n + 1, 0) for i, n in zip(at, shape, strict=True)]
        pads = self.pads.get(self.name(node), [0] * len(shape))
        assert all(o <= p for o, p in zip(out, pads, strict=True))
        return not any(out)

    def iterations(self):
        """For each iteration on data: its touches (name, subscripts, kind) in order."""
        for value in self.settings():
            nodes = [*self.factors, self.output]
            at = [self.subscripts(node, value) for node in nodes]
            if not all(self.inside(n, a) for n, a in zip(nodes, at, strict=True)):
                continue
            touches = []
            for node, where in zip(nodes, at, strict=True):
                touches += [
                    (self.name(t), self.subscripts(t, value), 0) for t in self.lookups(node)
                ]
                last = 2 if self.accumulates else 1
                touches.append((self.name(node), where, last if node is self.output else 0))
            yield touches

    def run(self, arrays):
        out = np.zeros(self.nest.shape(self.nest.output), np.int64)
        tables = set(self.tables)
        for touches in self.iterations():
            operands = [arrays[n][at] for n, at, kind in touches if kind == 0 and n not in tables]
            result = operands[0]
            for x in operands[1:]:
                result = result * x if self.joiner is ast.Mult else result + x
            at = touches[-1][1]
            out[at] = out[at] + result if self.accumulates else result
        return out

    def stream(self, layouts, registers=False):
        """(address, name, kind) in program order: arrays row-major on 64-byte boundaries."""
        bases, at = {}, 0
        for tensor in self.nest.tensors:
            bases[tensor] = at
            at = -(-(at + self.nest.nbytes(tensor)) // 64) * 64
        held = {}
        for touches in self.iterations():
            for n, (name, subscripts, kind) in enumerate(touches):
                shape = self.nest.shape(name)
                axes = layouts.get(name, range(len(shape)))
                stored = [shape[a] for a in axes]
                position = (
                    np.ravel_multi_index([subscripts[a] for a in axes], stored) if shape else 0
                )
                address = bases[name] + int(position) * self.nest.itemsize_of(name)
                if not (registers and held.get(n) == address):
                    yield address, name, kind
                held[n] = address


def lru(levels, stream, store_refreshes=True):
    """Misses and write-backs of each level by tensor, and lines dirty at the end.

    `levels`: (sets, ways, line); `stream`: (address, name, kind).
    """
    caches = [[OrderedDict() for _ in range(sets)] for sets, _, _ in levels]
    misses, backs = [Counter() for _ in levels], [Counter() for _ in levels]

    def reference(k, line, name, kind):
        if k == len(levels):
            return
        sets, ways, _ = levels[k]
        held = caches[k][line % sets]
        if line in held:
            held[line] = (name, held[line][1] or kind != 0)
            if store_refreshes or kind != 1:
                held.move_to_end(line)
            return
        misses[k][name] += 1
        reference(k + 1, line, name, 0)
        if len(held) == ways:
            victim, (owner, dirty) = held.popitem(last=False)
            if dirty:
                backs[k][owner] += 1
                reference(k + 1, victim, owner, 1)
        held[line] = (name, kind != 0)

    for address, name, kind in stream:
        reference(0, address // levels[0][2], name, kind)
    dirty = {}
    for cache in reversed(caches):
        for held in cache:
            dirty.update({line: name for line, (name, is_dirty) in held.items() if is_dirty})
    return misses, backs, Counter(dirty.values())


def close(found, expected, rtol=1e-4):
    """Arrays of one shape that agree but for the rounding of float32."""
    assert found.shape == tuple(expected.shape)
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol / 10)
