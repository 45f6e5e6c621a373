"""`Meters`: what a piece of work keeps in memory, computes and moves."""

from dataclasses import dataclass

from . import units


@dataclass(frozen=True)
class Meters:
    """Memory, compute and movement of a piece of work; integers that add up with `+`.

    `memory`: bytes that must exist while the work is done.
    `macs`, `adds`, `multiplies`: multiply-accumulates; additions and multiplications outside them.
    `moved`: bytes that cross the boundary to memory (compulsory, unless the maker says otherwise).

    >>> Meters(memory=317136, macs=78400, moved=317136)
    Meters: memory 317,136 B, compute 78,400 MAC, movement 317,136 B, intensity 0.494 FLOP/B
    """

    memory: int = 0
    macs: int = 0
    moved: int = 0
    adds: int = 0
    multiplies: int = 0

    @property
    def flops(self):
        """Floating-point operations: 1 MAC = 2 FLOP.

        >>> Meters(macs=60, adds=3).flops
        123
        """
        return 2 * self.macs + self.adds + self.multiplies

    @property
    def intensity(self):
        """FLOP per byte moved.

        >>> Meters(macs=3, moved=12).intensity
        0.5
        """
        if self.moved == 0:
            raise ValueError("intensity: no byte is moved, so FLOP per byte has no value")
        return self.flops / self.moved

    def __add__(self, other):
        if not isinstance(other, Meters):
            return NotImplemented
        return Meters(
            *(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__)
        )

    def __repr__(self):
        extra = [(self.adds, "additions"), (self.multiplies, "multiplications")]
        others = [f"{units.count(n)} {name}" for n, name in extra if n]
        work = [units.macs(self.macs)] if self.macs or not others else []
        text = (
            f"Meters: memory {units.nbytes(self.memory)}, compute {' and '.join(work + others)}, "
            f"movement {units.nbytes(self.moved)}"
        )
        return text + (f", intensity {units.intensity(self.intensity)}" if self.moved else "")
