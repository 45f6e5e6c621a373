"""A nest's loops as Python text."""


def listing(work, schedule):
    """The loops of a `counting.Work` as a program that runs on arrays of the tensors' names."""
    lines = [
        f"# {tensor} is stored in the axis order {axes}"
        for tensor, axes in schedule.layouts.items()
    ]
    depth = 0

    def add(text, deeper=0):
        nonlocal depth
        lines.append("    " * depth + text)
        depth += deeper

    blocks = {index: _Blocks(work, index, schedule) for index in work.size}
    for loop in schedule.loops:
        add(blocks[loop.index].header(loop), 1)
        for text, deeper in blocks[loop.index].after(loop):
            add(text, deeper)
    padded = [
        f"0 <= {_text(subscript)} < {extent}"
        for reference in work.statement.references
        for subscript, extent, pad in zip(
            reference.subscripts,
            work.shapes[reference.name],
            work.pads.get(reference.name, (0,) * len(reference.subscripts)),
            strict=True,
        )
        if pad
    ]
    if padded:
        add(f"if {' and '.join(padded)}:", 1)
    add(" ".join(work.statement.text.split()))
    return "\n".join(lines)


class _Blocks:
    """The loops of one index: starts of blocks where they nest, offsets where they do not."""

    def __init__(self, work, index, schedule):
        own = [loop for loop in schedule.loops if loop.index == index]
        self.index, self.chain, self.last = index, schedule.chain(index), own[-1]
        self.nested = self.chain == own
        taken = {*work.size, *work.shapes}
        self.variable = {}
        for loop in self.chain:
            name = index if loop.name == index and self.nested else f"{index}{loop.step}"
            while name in taken and name != index:
                name += "_"
            taken.add(name)
            self.variable[loop.name] = name
        self.bounds = [work.size[index], *(x.step for x in self.chain)]

    def header(self, loop):
        k = self.chain.index(loop)
        stop = str(loop.block)
        begin = "0"
        if self.nested and k:
            outer = [self.variable[x.name] for x in self.chain]
            begin = outer[k - 1]
            stops = [f"{begin} + {self.chain[k - 1].step}"]
            for j in range(k):
                if self.bounds[j] % self.chain[j].step:
                    stops.append(f"{outer[j - 1]} + {self.bounds[j]}" if j else str(self.bounds[0]))
            stop = f"min({', '.join(stops)})" if len(stops) > 1 else stops[0]
        parts = [begin, stop] if begin != "0" or loop.step > 1 else [stop]
        parts += [str(loop.step)] * (loop.step > 1)
        return f"for {self.variable[loop.name]} in range({', '.join(parts)}):"

    def after(self, loop):
        """What stands right inside the last loop of an index whose loops do not nest."""
        if self.nested or loop is not self.last:
            return
        names = [self.variable[x.name] for x in self.chain]
        yield f"{self.index} = {' + '.join(names)}", 0
        short = [k for k in range(len(names) - 1) if self.bounds[k] % self.chain[k].step]
        if short:
            tests = [
                f"{' + '.join(names[k:]) if k else self.index} < {self.bounds[k]}" for k in short
            ]
            yield f"if {' and '.join(tests)}:", 1


def _text(subscript):
    """A subscript as Python text."""
    parts = [(c, name) for name, c in subscript.terms.items()]
    parts += [
        (c, f"{table.name}[{', '.join(map(_text, table.subscripts))}]")
        for c, table in subscript.lookups
    ]
    text = ""
    for coefficient, name in parts:
        sign = "-" if coefficient < 0 else "+" if text else ""
        text += sign + (name if abs(coefficient) == 1 else f"{abs(coefficient)}*{name}")
    if subscript.constant or not text:
        text += f"{subscript.constant:+d}" if text else str(subscript.constant)
    return text
