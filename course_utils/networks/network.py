"""`Layer` and `Network`: a published architecture as a list of named nests.

What is counted, and where (everything is read off the nests, nothing is stored):

* `macs`: the multiply-accumulates of contractions with weights or between activations: the layers
  whose primitive is "matmul" or "window".  Padded taps count, as in the published figures.
* `bias_adds`: one for each element that starts from a bias.
* `exponentials`: one for each exp, tanh, sigmoid, softplus, power, GELU or SiLU that is evaluated,
  whatever happens inside it.
* `elementwise`: all other arithmetic, in operations: an addition, a multiplication, a comparison
  (ReLU, max-pooling, the maximum of softmax) is one each; a product that a normalisation, a scan
  or a weighted sum adds up is two.  What happens once a row (a root, a reciprocal, the division of
  a mean) is part of the pass that uses it, and subtraction and division are written as `+` and `*`.
* `activations`: the elements that "matmul" and "window" layers write (Radosavovic et al. 2020).

A maximum has the nest of a sum: `+=` stands for any reduction.
"""

from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from math import prod

from .. import arguments, units
from ..meters import Meters
from ..nest import LoopNest

PRIMITIVES = ("matmul", "window", "elementwise", "reduction", "gather", "scan")
_CONTRACTIONS = ("matmul", "window")
_ALONE = (*_CONTRACTIONS, "gather")
_EXPONENTIALS = ("exp", "tanh", "sigmoid", "softplus", "power", "gelu", "silu")
_COMPARISONS = ("relu", "relu6")  # in a nest of one factor: one operation an element
_FUNCTIONS = ("", "bias", "copy", "max", *_COMPARISONS, *_EXPONENTIALS)


@dataclass(frozen=True)
class Layer:
    """One nest of a network, by name.

    `parameters`: {tensor of the nest: name of the parameter}; two layers that share a name share
    the weights.
    `primitive`: one of `PRIMITIVES`.
    `function`: what is done to the right side beside `*` and `+`: "relu", "exp", "max" …; "bias"
    is the copy that a sum starts from, "copy" one that computes nothing.
    `cached`: the tensors that a decoder keeps from token to token (its keys, its values).
    `continues`: this product goes on adding to the output of the product before it.
    `apart`: the tensors of a step between products that cross even where it is fused with its
    neighbours: what comes from further back (a skip, a gate), what later steps read again.

    >>> nest = LoopNest("H[b,o] += X[b,i] * W[i,o]", b=1, i=784, o=100)
    >>> dense = Layer("hidden", nest, {"W": "hidden.weight"})
    >>> dense.macs, dense.parameter_shapes, dense.activations
    (78400, {'hidden.weight': (784, 100)}, 100)
    """

    name: str
    nest: LoopNest
    parameters: dict = field(default_factory=dict, hash=False)
    primitive: str = "matmul"
    function: str = ""
    cached: tuple = ()
    continues: bool = False
    apart: tuple = ()

    def __post_init__(self):
        for value, known in ((self.primitive, PRIMITIVES), (self.function, _FUNCTIONS)):
            if value not in known:
                choices = ", ".join(filter(None, known))
                raise ValueError(f"Layer {self.name!r}: {value!r} is none of {choices}")
        for tensor in (*self.parameters, *self.cached, *self.apart):
            self.nest.shape(tensor)  # refuses an unknown tensor

    @property
    def parameter_shapes(self):
        """{name of the parameter: its shape}."""
        return {name: self.nest.shape(tensor) for tensor, name in self.parameters.items()}

    @property
    def contracts(self):
        """Whether its arithmetic is MACs: a matrix product or a sliding window."""
        return self.primitive in _CONTRACTIONS

    @property
    def macs(self):
        """Multiply-accumulates of a contraction; 0 for every other layer."""
        return self.nest.macs if self.contracts else 0

    @property
    def bias_adds(self):
        """Elements that start from a bias."""
        return self.nest.iterations if self.function == "bias" else 0

    @property
    def exponentials(self):
        """Evaluations of exp, tanh, sigmoid, softplus, a power, GELU or SiLU."""
        return self.nest.iterations if self.function in _EXPONENTIALS else 0

    @property
    def elementwise(self):
        """Operations that are none of the three above."""
        if self.function == "bias":
            return 0
        spare = self.nest.adds + self.nest.multiplies
        if self.contracts:
            return spare
        compared = self.nest.iterations if self.function in _COMPARISONS else 0
        return spare + 2 * self.nest.macs + compared

    @property
    def activations(self):
        """Elements that a contraction writes; 0 for every other layer."""
        return self.written if self.contracts else 0

    @property
    def written(self):
        """Elements of the output, where it is a tensor of this layer's own."""
        shared = self.continues or self.function == "bias"
        return 0 if shared else prod(self.nest.shape(self.nest.output))

    def met(self, tensor):
        """Elements of a tensor that the work chooses from: all, but of experts the chosen ones."""
        chosen = any(r.lookups for r in self.nest.work.statement.references if r.name == tensor)
        if chosen and self.contracts:
            return self.nest.work.touched(tensor)
        return prod(self.nest.shape(tensor))

    def meters(self, itemsize=4, fused=False):
        """The `Meters` of this layer alone, every element of `itemsize` bytes.

        Index arrays keep their own item size.  A nest that adds to what is there already (a bias,
        a first product) also reads it: these, like the nest's own meters, leave that read out.
        Functions (ReLU, exp) are no FLOPs here; `elementwise` and `exponentials` count them.

        `fused`: a step between products runs while the numbers of its neighbours are on the chip:
        only its parameters and what is `apart` cross.  Products, windows and look-ups stay alone.

        >>> nest = LoopNest("H[b,o] += X[b,i] * W[i,o]", b=1, i=784, o=100)
        >>> Layer("hidden", nest, {"W": "hidden.weight"}).meters(itemsize=2).moved
        158568
        """
        itemsize = arguments.whole(itemsize, f"{self.name}: itemsize")
        size = dict.fromkeys(self.nest.tensors, itemsize)
        size |= {table: self.nest.itemsize_of(table) for table in self.nest.work.tables}
        crossing = size
        if fused and self.primitive not in _ALONE:
            crossing = [*self.parameters, *self.apart]
        return Meters(
            memory=sum(prod(self.nest.shape(t)) * size[t] for t in size),
            macs=self.macs,
            moved=sum(self.nest.work.touched(t) * size[t] for t in crossing),
            adds=self.nest.adds + (0 if self.contracts else self.nest.macs),
            multiplies=self.nest.multiplies + (0 if self.contracts else self.nest.macs),
        )

    def within(self, prefix):
        """The same layer as part of something larger: its names begin with `prefix` and a dot."""
        names = {tensor: f"{prefix}.{name}" for tensor, name in self.parameters.items()}
        return replace(self, name=f"{prefix}.{self.name}", parameters=names)


@dataclass(frozen=True, repr=False, eq=False)
class Network:
    """A published architecture: `build(**sizes)` gives its layers in the order in which they run.

    `defaults`: the published sizes, {"batch": 1, "image": 224} for instance; every count takes
    other ones by keyword.  Iterating, `len`, `net["name of a layer"]` and `net[0]` are at the
    defaults.

    >>> def build(batch):
    ...     nest = LoopNest("H[b,o] += X[b,i] * W[i,o]", b=batch, i=784, o=100)
    ...     return [Layer("hidden", nest, {"W": "hidden.weight"})]
    >>> net = Network("one layer", {"batch": 1}, build)
    >>> net
    one layer: 78,400 parameters, 78,400 MAC at batch 1
    >>> net.macs(batch=32), net["hidden"].primitive
    (2508800, 'matmul')
    """

    name: str
    defaults: dict
    build: object
    _built: dict = field(default_factory=dict)  # layers at the sizes asked for so far

    def sizes(self, **sizes):
        """All sizes, the given ones checked and the others at their defaults."""
        for name in sizes:
            if name not in self.defaults:
                raise ValueError(
                    f"{self.name}: there is no size {name!r}; its sizes are "
                    f"{', '.join(f'{n} (default {v})' for n, v in self.defaults.items())}"
                )
        return self.defaults | {n: self._whole(n, value) for n, value in sizes.items()}

    def _whole(self, name, value):
        return arguments.whole(value, f"{self.name}: {name}", least=0 if name == "past" else 1)

    def layers(self, **sizes):
        """The layers at these sizes, in the order in which they run: a tuple of `Layer`."""
        sizes = self.sizes(**sizes)
        key = tuple(sizes.items())
        if key not in self._built:
            if len(self._built) > 7:
                self._built.clear()
            self._built[key] = tuple(self.build(**sizes))
        return self._built[key]

    def __iter__(self):
        return iter(self.layers())

    def __len__(self):
        return len(self.layers())

    def __contains__(self, name):
        return any(name in (layer.name, layer) for layer in self)

    def __getitem__(self, name):
        if isinstance(name, int | slice):
            return self.layers()[name]
        found = [layer for layer in self if layer.name == name]
        if not found:
            names = [layer.name for layer in self]
            near = get_close_matches(str(name), names, n=3, cutoff=0.3) or names[:3]
            raise ValueError(f"{self.name}: no layer {name!r}; there are {', '.join(near)} …")
        return found[0]

    def part(self, name):
        """The layers under one name as a network of their own: one block, one stage.

        >>> from course_utils.networks import gpt2
        >>> gpt2("small").part("block.0")
        GPT-2 small, block.0: 7,087,872 parameters, 8.86 GMAC at batch 1, tokens 1024
        """

        def build(**sizes):
            layers = self.layers(**sizes)
            return [x for x in layers if x.name == name or x.name.startswith(f"{name}.")]

        if not build(**self.defaults):
            paths = [layer.name.split(".") for layer in self]
            names = dict.fromkeys(".".join(path[:n]) for path in paths for n in range(1, len(path)))
            near = get_close_matches(str(name), names, n=3, cutoff=0.3) or list(names)[:3]
            raise ValueError(f"{self.name}: no part {name!r}; there are {', '.join(near)} …")
        return Network(f"{self.name}, {name}", self.defaults, build)

    def at(self, **sizes):
        """The same network with these sizes as its defaults.

        >>> from course_utils.networks import gpt2
        >>> gpt2("small").part("block.0").at(tokens=1, past=195)
        GPT-2 small, block.0: 7,087,872 parameters, 7,378,944 MAC at batch 1, tokens 1, past 195
        """
        return Network(self.name, self.sizes(**sizes), self.build)

    def __deepcopy__(self, memo):
        return self  # nothing of it changes

    # --- counts ---------------------------------------------------------------------------

    @property
    def parameter_shapes(self):
        """{name of a parameter: its shape}, each once."""
        shapes = {}
        for layer in self:
            for name, shape in layer.parameter_shapes.items():
                if shapes.setdefault(name, shape) != shape:
                    raise ValueError(
                        f"{self.name}: parameter {name!r} is {shapes[name]} and, in layer "
                        f"{layer.name!r}, {shape}; give one of them another name"
                    )
        return shapes

    @property
    def parameters(self):
        """The number of trained parameters; tied ones count once, running averages not at all."""
        return sum(map(prod, self.parameter_shapes.values()))

    @property
    def active_parameters(self):
        """The parameters that one token meets: of routed experts, only the chosen ones.

        Embedding tables count whole, as in published figures.
        """
        one = {name: 1 for name in self.defaults if name in ("batch", "tokens")}
        active = dict.fromkeys(self.parameter_shapes, 0)
        for layer in self.layers(**one):
            for tensor, name in layer.parameters.items():
                active[name] = max(active[name], layer.met(tensor))
        return sum(active.values())

    def macs(self, **sizes):
        """Multiply-accumulates of matrix products and sliding windows."""
        return sum(layer.macs for layer in self.layers(**sizes))

    def activations(self, **sizes):
        """Elements that matrix products and sliding windows write."""
        return sum(layer.activations for layer in self.layers(**sizes))

    def bias_adds(self, **sizes):
        """Elements that start from a bias."""
        return sum(layer.bias_adds for layer in self.layers(**sizes))

    def elementwise(self, **sizes):
        """Operations of normalisation, activation functions, pooling, softmax, adds, scans."""
        return sum(layer.elementwise for layer in self.layers(**sizes))

    def exponentials(self, **sizes):
        """Evaluations of exp, tanh, sigmoid, softplus, a power, GELU or SiLU."""
        return sum(layer.exponentials for layer in self.layers(**sizes))

    def meters(self, itemsize=4, fused=False, **sizes):
        """The `Meters` of the layers one after another, the traffic of each alone, added; or with
        the steps between products `fused`, see `Layer.meters`.

        Memory is what stands when nothing is freed, as in training: each parameter once, each
        tensor that a layer writes, and of the tokens before these their keys and values.
        """
        layers = self.layers(**sizes)
        total = sum((layer.meters(itemsize, fused) for layer in layers), Meters())
        kept = self.parameters + sum(layer.written for layer in layers) + self._before(**sizes)
        return replace(total, memory=kept * itemsize)

    def by_primitive(self, itemsize=4, **sizes):
        """{primitive: the `Meters` of its layers, added}, for the primitives that occur.

        >>> from course_utils.networks import blocks
        >>> {name: m.macs for name, m in blocks()["MobileNet"].by_primitive().items()}
        {'window': 903168, 'elementwise': 0, 'matmul': 51380224}
        """
        sums = {}
        for layer in self.layers(**sizes):
            sums[layer.primitive] = sums.get(layer.primitive, Meters()) + layer.meters(itemsize)
        return sums

    def kv_bytes(self, tokens=1, batch=1, itemsize=2):
        """Bytes of the keys and values that a decoder keeps for `tokens` tokens.

        >>> from course_utils.networks import llama
        >>> llama("2-7b").kv_bytes(), llama("3-8b").kv_bytes()
        (524288, 131072)
        """
        itemsize = arguments.whole(itemsize, f"{self.name}: itemsize")
        if not any(layer.cached for layer in self):
            raise ValueError(
                f"{self.name} has no KV cache: only decoders with attention keep keys and values "
                "(gpt2, gpt3, decoder, llama, mixtral)"
            )
        sizes = self.sizes(tokens=tokens, batch=batch)
        # of one sequence, and its last token: the look-ups of all would be listed one by one
        last = self.layers(tokens=1, past=sizes["tokens"] - 1, batch=1)
        each = sum(prod(layer.nest.shape(tensor)) for layer in last for tensor in layer.cached)
        return itemsize * sizes["batch"] * each

    def _before(self, **sizes):
        """Numbers that the cache holds of the tokens before these."""
        past = self.sizes(**sizes).get("past", 0)
        if not past or not any(layer.cached for layer in self):
            return 0
        return self.kv_bytes(past, batch=self.sizes(**sizes)["batch"], itemsize=1)

    def __repr__(self):
        at = ", ".join(f"{name} {value}" for name, value in self.defaults.items() if value)
        return (
            f"{self.name}: {units.number(self.parameters)} parameters, "
            f"{units.macs(self.macs())} at {at}"
        )
