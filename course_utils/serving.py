"""Serving a language model: what a step of a decoder holds, computes and moves, and how fast a
machine can do it at best.

`prefill` reads all tokens of a context at once, `decode` writes one more token of each sequence.
Both give a `Step`, six operations on the roofline (Williams, Waterman, Patterson 2009), each run on
its own and timed by the slower of its two limits; nothing overlaps.

What is counted: the compulsory bytes of each operation.  A weight crosses once a step, whatever the
batch.  Attention is fused (Dao et al. 2022): scores stay on the chip; all of them are computed, the
half that a mask drops too.  What is done element by element (norms, rotation, the gate's product)
is fused as well and costs nothing; the look-up of words is left out.  Only the last token of each
sequence goes through the output head.
"""

from dataclasses import dataclass
from functools import cached_property
from math import ceil, prod
from numbers import Real

from .arguments import whole
from .meters import Meters

_FASTEST = "bfloat16", "float16", "int8", "float32"  # the first one that a machine has


@dataclass(frozen=True)
class Decoder:
    """The shape of a decoder as Llama's (Touvron et al. 2023): a gated feed-forward, no biases.

    `layers` of them, `width` numbers a token, `heads` of width / heads numbers, of which groups
    share one of the `kv_heads`, `hidden` numbers inside the feed-forward, `words` to choose from.
    `tied`: the output head is the table of words.
    Heads that do not divide evenly are a ValueError.

    >>> small = Decoder("small", layers=2, width=8, heads=4, kv_heads=2, hidden=16, words=100)
    >>> small.parameters, small.kv_bytes(tokens=10, batch=1)
    (2792, 320)
    """

    name: str
    layers: int
    width: int
    heads: int
    kv_heads: int
    hidden: int
    words: int
    tied: bool = False

    def __post_init__(self):
        for name in ("layers", "width", "heads", "kv_heads", "hidden", "words"):
            whole(getattr(self, name), f"Decoder: {name}")
        for large, small in (("width", "heads"), ("heads", "kv_heads")):
            if getattr(self, large) % getattr(self, small):
                raise ValueError(
                    f"Decoder: {large}={getattr(self, large)} is no multiple of "
                    f"{small}={getattr(self, small)}; change one of them"
                )

    @classmethod
    def of(cls, network):
        """The shape of a `Network` such as networks.llama("2-7b"); a ValueError for other families.

        >>> from course_utils.networks import llama
        >>> Decoder.of(llama("3-8b")).kv_width
        1024
        """
        layers = {}
        if "past" in getattr(network, "defaults", ()):
            layers = {layer.name: layer for layer in network.layers(batch=1, tokens=1, past=0)}
        if "block.0.mlp.gate" not in layers:
            name = getattr(network, "name", repr(network))
            raise ValueError(f"serving: {name} is no decoder like Llama; take a networks.llama(…)")
        query, key, gate = (
            layers[f"block.0.{name}"].nest
            for name in ("attention.query", "attention.key", "mlp.gate")
        )
        (head,) = layers["head"].parameter_shapes.items()
        heads = query.shape("W")[1:-1]
        return cls(
            network.name,
            layers=sum(name.endswith(".attention.query") for name in layers),
            width=query.size["d"],
            heads=prod(heads),
            kv_heads=key.shape("W")[1],
            hidden=gate.size["o"],
            words=head[1][0],
            tied=head[0] == "words.weight",
        )

    @property
    def kv_width(self):
        """Numbers in the key of one token in one layer, as many as in its value."""
        return self.width // self.heads * self.kv_heads

    @property
    def parameters(self):
        """Weights of all layers, of the words, of the output head unless tied, and of the norms."""
        attention = 2 * self.width * (self.width + self.kv_width)
        feed_forward = 3 * self.width * self.hidden
        tables = (1 if self.tied else 2) * self.words * self.width
        norms = (2 * self.layers + 1) * self.width
        return self.layers * (attention + feed_forward) + tables + norms

    def kv_bytes(self, tokens=1, batch=1, itemsize=2):
        """Bytes of the keys and values of `tokens` tokens in each of `batch` sequences."""
        return ceil(2 * self.layers * self.kv_width * tokens * batch * itemsize)


@dataclass(frozen=True)
class Operation:
    """One product in all layers of a step: its MACs, and the bytes that it must move.

    `weights`, `cache` (keys and values, written or read) and `activations` add up to `moved`.

    >>> Operation("down", macs=48, weights=64, cache=0, activations=32).intensity
    1.0
    """

    name: str
    macs: int
    weights: float
    cache: float
    activations: float

    @property
    def moved(self):
        return self.weights + self.cache + self.activations

    @property
    def intensity(self):
        """FLOP per byte moved; 1 MAC = 2 FLOP."""
        return 2 * self.macs / self.moved

    def seconds(self, machine, dtype):
        """The slower of its two limits: 2 MACs / peak, bytes / bandwidth."""
        return machine.time(Meters(macs=self.macs, moved=self.moved), dtype)

    def computes(self, machine, dtype):
        """Whether arithmetic is the slower limit: its intensity is at the ridge or beyond."""
        return self.intensity >= machine.ridge(dtype)


@dataclass(frozen=True)
class Step:
    """`tokens` new tokens in each of `batch` sequences go through a decoder, after `past` others.

    Made by `prefill` and `decode`.  `itemsize`: bytes of a number, 0.5 for 4 bits; of a weight,
    `weight_itemsize` where it is not None.
    """

    decoder: Decoder
    tokens: int
    past: int = 0
    batch: int = 1
    itemsize: float = 2
    weight_itemsize: float | None = None

    @cached_property
    def operations(self):
        """A tuple of six `Operation`, of all layers together.

        With n = batch × tokens new tokens, width d, keys and values of k numbers each, hidden
        width f, and c = past + tokens tokens seen, in one layer:

        | operation     | MACs           | weights      | cache             | activations |
        |---------------|----------------|--------------|-------------------|-------------|
        | Q, K, V       | n d (d + 2 k)  | d (d + 2 k)  | 2 n k, written    | 2 n d       |
        | attention     | 2 n d c        |              | 2 batch c k, read | 2 n d       |
        | output        | n d²           | d²           |                   | 2 n d       |
        | up and gate   | 2 n d f        | 2 d f        |                   | n (d + f)   |
        | down          | n f d          | f d          |                   | n (f + d)   |

        and once, on the last token of each sequence, the head with batch × words × d MACs.
        """
        model, b, c = self.decoder, self.batch, self.past + self.tokens
        d, k, f, n = model.width, model.kv_width, model.hidden, b * self.tokens
        return (
            self._product("Q, K, V", n, d * (d + 2 * k), 2 * n * k, 2 * n * d),
            self._operation("attention", 2 * n * d * c, 0, 2 * b * c * k, 2 * n * d),
            self._product("output", n, d * d, 0, 2 * n * d),
            self._product("up and gate", n, 2 * d * f, 0, n * (d + f)),
            self._product("down", n, f * d, 0, n * (f + d)),
            self._product("head", b, model.words * d, 0, b * (d + model.words), layers=1),
        )

    def _product(self, name, rows, weights, cache, activations, layers=None):
        return self._operation(name, rows * weights, weights, cache, activations, layers)

    def _operation(self, name, macs, weights, cache, activations, layers=None):
        times = layers or self.decoder.layers
        size = times * self.itemsize
        return Operation(
            name, times * macs, times * weights * self._weight, size * cache, size * activations
        )

    @property
    def _weight(self):
        return self.itemsize if self.weight_itemsize is None else self.weight_itemsize

    @property
    def weight_bytes(self):
        """Bytes of all parameters."""
        return ceil(self.decoder.parameters * self._weight)

    @property
    def kv_bytes(self):
        """Bytes of the KV cache after the step."""
        return self.decoder.kv_bytes(self.past + self.tokens, self.batch, self.itemsize)

    def meters(self):
        """The `Meters`: weights and KV cache held; MACs and bytes of the six operations.

        >>> from course_utils.networks import llama
        >>> decode(llama("2-7b"), context=512).meters()
        Meters: memory 13.7 GB, compute 6.74 GMAC, movement 13.5 GB, intensity 1 FLOP/B
        """
        return Meters(
            memory=self.weight_bytes + self.kv_bytes,
            macs=sum(each.macs for each in self.operations),
            moved=ceil(sum(each.moved for each in self.operations)),
        )

    def fits(self, machine):
        """Whether weights and KV cache find room in the machine's memory.

        A machine whose memory nobody knows is a ValueError.
        """
        if machine.memory is None:
            raise ValueError(
                f"{machine.name}: its memory is not given; choose one with "
                "dataclasses.replace(machine, memory=…) in bytes"
            )
        return self.weight_bytes + self.kv_bytes <= machine.memory

    def seconds(self, machine, dtype=None):
        """Seconds at best: the operations one after another, each at the slower of its limits.

        `dtype` is the peak that is taken, None the first of bfloat16, float16, int8 and float32
        that the machine has.
        """
        dtype = dtype or arithmetic(machine)
        return sum(each.seconds(machine, dtype) for each in self.operations)

    def tokens_per_second(self, machine, dtype=None):
        """New tokens of all sequences a second at best, whether they fit or not; see `fits`.

        >>> from course_utils import machine
        >>> from course_utils.networks import llama
        >>> small = decode(llama("2-7b"), context=512, weight_itemsize=0.5)
        >>> round(small.tokens_per_second(machine("H100")))
        937
        """
        return self.batch * self.tokens / self.seconds(machine, dtype)

    def limit(self, machine, dtype=None):
        """What takes most of the time: "compute", or bytes: "weights", "KV cache" or "activations".

        The bytes are those of the operations that wait for bytes.
        """
        dtype = dtype or arithmetic(machine)
        waiting = [each for each in self.operations if not each.computes(machine, dtype)]
        if sum(each.seconds(machine, dtype) for each in waiting) < self.seconds(machine, dtype) / 2:
            return "compute"
        kinds = {"weights": "weights", "KV cache": "cache", "activations": "activations"}
        return max(kinds, key=lambda kind: sum(getattr(each, kinds[kind]) for each in waiting))


def prefill(model, context, batch=1, itemsize=2, weight_itemsize=None):
    """The `Step` that reads `context` tokens of each of `batch` sequences at once.

    `model` is a `Decoder`, or a `Network` such as networks.llama("2-7b").

    >>> from course_utils import machine
    >>> from course_utils.networks import llama
    >>> round(prefill(llama("2-7b"), context=512).tokens_per_second(machine("H100")))
    73764
    """
    return _step(model, None, context, batch, itemsize, weight_itemsize)


def decode(model, context, batch=1, itemsize=2, weight_itemsize=None):
    """The `Step` that writes one more token of each sequence, the last of `context` tokens.

    >>> from course_utils import machine
    >>> from course_utils.networks import llama
    >>> step = decode(llama("2-7b"), context=512)
    >>> round(step.tokens_per_second(machine("H100"))), step.limit(machine("H100"))
    (248, 'weights')
    """
    return _step(model, 1, context, batch, itemsize, weight_itemsize)


def arithmetic(machine):
    """The dtype in which a machine serves: the first it has of bfloat16, float16, int8, float32.

    >>> from course_utils import machine
    >>> [arithmetic(machine(name)) for name in ("H100", "V100", "Raspberry Pi 5")]
    ['bfloat16', 'float16', 'float32']
    """
    found = [dtype for dtype in _FASTEST if dtype in machine.peaks]
    if not found:
        raise ValueError(f"{machine.name}: has no peak for any of {', '.join(_FASTEST)}; add one")
    return found[0]


def _step(model, tokens, context, batch, itemsize, weight_itemsize):
    """`tokens` None are all of the context."""
    context = whole(context, "serving: context")
    batch = whole(batch, "serving: batch")
    for size in (itemsize, itemsize if weight_itemsize is None else weight_itemsize):
        if not isinstance(size, Real) or isinstance(size, bool) or size not in (0.5, 1, 2, 4):
            raise ValueError(f"serving: itemsize is {size!r}; it is 0.5, 1, 2 or 4 bytes")
    decoder = model if isinstance(model, Decoder) else Decoder.of(model)
    tokens = tokens or context
    return Step(decoder, tokens, context - tokens, batch, itemsize, weight_itemsize)
