"""`Schedule`: the order of the loops, their tiles and the layouts; never what is computed."""

from dataclasses import dataclass, field

from .arguments import whole


@dataclass(frozen=True)
class Loop:
    """One loop: `index` moves by `step`, through blocks of `block` (the size, or a tile)."""

    name: str
    index: str
    step: int
    block: int

    @property
    def trips(self):
        return -(-self.block // self.step)


@dataclass(frozen=True)
class Schedule:
    """Loops, outermost first, and {tensor: order of its axes in memory}, row-major left out."""

    loops: tuple
    layouts: dict = field(default_factory=dict)

    @classmethod
    def plain(cls, size):
        """One loop for each index of {index: size}, in that order."""
        return cls(tuple(Loop(i, i, 1, n) for i, n in size.items()))

    @property
    def names(self):
        return tuple(loop.name for loop in self.loops)

    def chain(self, index):
        """The loops of one index, the largest blocks first, whatever their order in the nest."""
        own = [loop for loop in self.loops if loop.index == index]
        return sorted(own, key=lambda loop: (-loop.step, loop.name == index))

    def resized(self, size):
        """The same order and tiles at other sizes."""
        loops = []
        for loop in self.loops:
            chain = self.chain(loop.index)
            outer = [x.step for x in chain[: chain.index(loop)]]
            loops.append(Loop(loop.name, loop.index, loop.step, min([size[loop.index], *outer])))
        return Schedule(tuple(loops), self.layouts)

    def ordered(self, names):
        """The loops in the order of `names`, each named once."""
        if len(names) == 1 and isinstance(names[0], str) and "," in names[0]:
            names = tuple(name.strip() for name in names[0].split(","))
        elif len(names) == 1 and isinstance(names[0], tuple | list):
            names = tuple(names[0])
        if sorted(map(str, names)) != sorted(self.names):
            raise ValueError(
                f"LoopNest.order: name each loop once: {', '.join(self.names)}; "
                f"got {', '.join(map(str, names)) or 'nothing'}"
            )
        by_name = {loop.name: loop for loop in self.loops}
        return Schedule(tuple(by_name[name] for name in names), self.layouts)

    def tiled(self, tiles):
        """Each loop of {name: tile} split in two; the loops over blocks go outermost."""
        blocks, loops = [], list(self.loops)
        for name, tile in tiles.items():
            at = next((k for k, loop in enumerate(loops) if loop.name == name), None)
            if at is None:
                raise ValueError(
                    f"LoopNest.tile: no loop {name!r}; there are {', '.join(self.names)}"
                )
            tile = whole(tile, f"LoopNest.tile: the tile of {name!r}")
            coarser = [loop.step for loop in loops if loop.index == name != loop.name]
            if coarser and tile >= min(coarser):
                raise ValueError(
                    f"LoopNest.tile: {name!r} is tiled by {min(coarser)} already, so a tile inside "
                    f"that must be smaller; got {tile}"
                )
            blocks.append(Loop(f"{name}/{tile}", name, tile, loops[at].block))
            loops[at] = Loop(name, name, 1, min(tile, loops[at].block))
        return Schedule((*blocks, *loops), self.layouts)

    def stored(self, tensor, axes, reference):
        """With another layout for `tensor`: index letters or positions, outermost axis first."""
        positions = tuple(range(len(reference.subscripts)))
        if isinstance(axes, str):
            axes = _positions(tensor, axes, reference)
        axes = tuple(axes) if isinstance(axes, tuple | list) else (axes,)
        if sorted(map(str, axes)) != sorted(map(str, positions)):
            raise ValueError(
                f"LoopNest.layout: name each axis of {tensor!r} once, outermost first; "
                f"got {axes}, expected an order of {positions}"
            )
        layouts = {**self.layouts, tensor: tuple(int(a) for a in axes)}
        return Schedule(self.loops, {t: a for t, a in layouts.items() if a != tuple(sorted(a))})


def _positions(tensor, letters, reference):
    """The axes that index names stand for; a name that is no axis stays as it is."""
    plain = [s.plain for s in reference.subscripts]
    if None in plain or len(set(plain)) < len(plain):
        example = tuple(reversed(range(len(plain))))
        raise ValueError(
            f"LoopNest.layout: {tensor!r} has axes that are no plain index; "
            f"give positions, such as {tensor}={example}"
        )
    names = letters.replace(",", " ").split() if set(letters) & set(", ") else list(letters)
    return [plain.index(name) if name in plain else name for name in names]
