"""Transformers with learned positions: BERT, GPT-2, GPT-3 and decoders of other sizes, ViT."""

from dataclasses import replace
from functools import partial

from ..arguments import whole
from .maps import Maps
from .network import Network
from .parts import choose
from .tokens import Tokens

# name -> (blocks, width, heads); Devlin et al. 2019, Turc et al. 2019
_BERT = {
    "tiny": (2, 128, 2),
    "mini": (4, 256, 4),
    "small": (4, 512, 8),
    "medium": (8, 512, 8),
    "base": (12, 768, 12),
    "large": (24, 1024, 16),
}
# Radford et al. 2019, table 2, and the released models
_GPT2 = {
    "small": (12, 768, 12),
    "medium": (24, 1024, 16),
    "large": (36, 1280, 20),
    "xl": (48, 1600, 25),
}
# Brown et al. 2020, table 2.1; what `gpt3` says about "1.3b" and "13b"
_GPT3 = {
    "125m": (12, 768, 12),
    "350m": (24, 1024, 16),
    "760m": (24, 1536, 16),
    "1.3b": (24, 2048, 16),
    "2.7b": (32, 2560, 32),
    "6.7b": (32, 4096, 32),
    "13b": (40, 5120, 40),
    "175b": (96, 12288, 96),
}
_GPT_WORDS = 50_257
_GPT3_NAMES = {"small": "125m", "medium": "350m", "large": "760m", "xl": "1.3b"}
# (blocks, width, hidden, heads), Dosovitskiy et al. 2021, table 1; with the patches' sides
_VIT = {"b": (12, 768, 3072, 12), "l": (24, 1024, 4096, 16), "h": (32, 1280, 5120, 16)}
_PATCHES = {"b/16": 16, "b/32": 32, "l/16": 16, "l/32": 32, "h/14": 14}


def _fits(network, longest, tokens, past=0):
    """Refuse more tokens than there are learned positions."""
    if tokens + past > longest:
        raise ValueError(
            f"{network}: tokens{' and past' if past else ''} come to {tokens + past}, and it has "
            f"learned {longest} positions; use at most {longest}"
        )


def bert(size="base", vocabulary=30_522):
    """BERT (Devlin et al. 2019) with its pooler, without a head: "base", "large", and Google's
    miniatures "tiny", "mini", "small", "medium" (Turc et al. 2019); 512 tokens.

    `vocabulary`: 30,522 words uncased; 28,996 are the cased ones.

    >>> bert("base")
    BERT-base: 109,482,240 parameters, 48.3 GMAC at batch 1, tokens 512
    >>> bert("base").macs(tokens=128)
    11174215680
    """
    size, shape = choose("bert", "size", size, _BERT)
    vocabulary = whole(vocabulary, "bert: vocabulary")
    name = f"BERT-{size}"
    return Network(name, {"batch": 1, "tokens": 512}, partial(_bert, name, shape, vocabulary))


def _bert(name, shape, words, batch, tokens):
    blocks, width, heads = shape
    _fits(name, 512, tokens)
    x = Tokens(batch, tokens, width)
    x.embed("words", words)
    x.positions("positions", 512)
    x.segments("segments", 2)
    x.layer_norm("norm")

    def block(x):
        x.attention("attention", heads)
        x.add("attention.add")
        x.layer_norm("attention.norm")
        _mlp(x, 4 * width)
        x.add("mlp.add")
        x.layer_norm("mlp.norm")

    x.repeat("block", blocks, block)
    first = Tokens(batch, 1, width)
    first.dense("pooler", width)
    first.pointwise("pooler.tanh", "tanh")
    return x.layers + first.layers


def _mlp(x, hidden):
    x.dense("mlp.up", hidden)
    x.pointwise("mlp.gelu", "gelu", hidden)
    x.dense("mlp.down", x.width, hidden)


def gpt2(size="small"):
    """GPT-2 (Radford et al. 2019): "small", "medium", "large", "xl"; 1,024 tokens.

    The output head is the table of words (tied) and is counted for every token.  MACs take the
    full square of scores, not the causal half; `past` tokens lie in the KV cache already.

    >>> gpt2("small")
    GPT-2 small: 124,439,808 parameters, 146 GMAC at batch 1, tokens 1024
    >>> gpt2("small").macs(tokens=1, past=1023)
    142406400
    """
    size, shape = choose("gpt2", "size", size, _GPT2)
    return _gpt(f"GPT-2 {size}", *shape, _GPT_WORDS, 1024)


def gpt3(size="175b"):
    """GPT-3 (Brown et al. 2020, table 2.1): "125m", "350m", "760m", "1.3b" (also "small",
    "medium", "large", "xl", as the table calls them), "2.7b", "6.7b", "13b", "175b"; 2,048 tokens,
    words of GPT-2, tied.

    The parameters are those of the paper's table D.1.  Where table 2.1 does not agree with it or
    with itself: 13B is printed with a width of 5,140, but 12,850 M parameters and 40 heads of 128
    need 5,120; 1.3B is printed with 24 heads of 128, but 16 make its width of 2,048.  Every layer
    is counted dense and with the full square of scores (the paper's are alternately banded).

    >>> gpt3("175b").parameters, gpt3("13b").parameters
    (174604259328, 12853386240)
    """
    size = _GPT3_NAMES.get(str(size).lower(), size)
    size, shape = choose("gpt3", "size", size, _GPT3)
    return _gpt(f"GPT-3 {size}", *shape, _GPT_WORDS, 2048)


def decoder(blocks, width, heads, vocabulary, positions, hidden=None, kv_heads=None):
    """A decoder of any size, built as GPT-2 is: learned positions, a norm before each part, biases,
    GELU, an output head that is the table of words.

    `hidden`: 4 × width unless given.  `kv_heads` < heads: groups of heads share keys and values.
    What `gpt2` says about MACs and `past` holds.

    >>> letters = decoder(blocks=2, width=128, heads=4, vocabulary=64, positions=256)
    >>> letters
    decoder 2×128: 437,760 parameters, 136,314,880 MAC at batch 1, tokens 256
    >>> letters.macs(tokens=1, past=255), letters.kv_bytes(tokens=256, itemsize=4)
    (532480, 524288)
    """
    sizes = dict(blocks=blocks, width=width, heads=heads)
    sizes |= dict(vocabulary=vocabulary, positions=positions)
    extra = dict(hidden=hidden, kv_heads=kv_heads)
    sizes |= {name: value for name, value in extra.items() if value is not None}
    sizes = {name: whole(value, f"decoder: {name}") for name, value in sizes.items()}
    network = _gpt(f"decoder {sizes['blocks']}×{sizes['width']}", **sizes)
    network.layers(tokens=1)  # refuses heads that do not divide
    return network


def _gpt(name, blocks, width, heads, vocabulary, positions, hidden=None, kv_heads=None):
    def build(batch, tokens, past):
        _fits(name, positions, tokens, past)
        x = Tokens(batch, tokens, width, past)
        x.embed("words", vocabulary)
        x.positions("positions", positions)
        block = partial(_pre_norm, heads=heads, hidden=hidden, kv_heads=kv_heads, kept=True)
        x.repeat("block", blocks, block)
        x.layer_norm("norm")
        x.head("head", vocabulary, "words.weight")
        return x.layers

    return Network(name, {"batch": 1, "tokens": positions, "past": 0}, build)


def _pre_norm(x, heads, hidden=None, kv_heads=None, kept=False):
    x.layer_norm("attention.norm")
    x.attention("attention", heads, kv_heads, kept=kept)
    x.add("attention.add")
    x.layer_norm("mlp.norm")
    _mlp(x, hidden or 4 * x.width)
    x.add("mlp.add")


def vit(size="b/16", image=224):
    """Vision transformer (Dosovitskiy et al. 2021): "b/16", "b/32", "l/16", "l/32", "h/14", for
    ImageNet's 1,000 classes.

    `image`: the size its positions are learned for.  Counts at other sizes take interpolated
    positions, which are no parameters.

    >>> vit("b/16")
    ViT-B/16: 86,567,656 parameters, 17.6 GMAC at batch 1, image 224
    >>> vit("b/16", image=384).parameters
    86859496
    """
    size, patch = choose("vit", "size", size, _PATCHES)
    name = f"ViT-{size.upper()}"
    image = whole(image, f"{name}: image")
    build = partial(_vit, name, _VIT[size[0]], patch, _patches(name, image, patch))
    return Network(name, {"batch": 1, "image": image}, build)


def _patches(name, image, patch):
    if image % patch:
        raise ValueError(
            f"{name}: image must be a multiple of its patch of {patch}, such as {14 * patch}; "
            f"got {image!r}"
        )
    return (image // patch) ** 2


def _vit(name, shape, patch, learned, batch, image):
    blocks, width, hidden, heads = shape
    tokens = _patches(name, image, patch) + 1
    maps = Maps(name, batch, 3, image)
    maps.conv("patches", width, patch, stride=patch, bias=True)
    x = Tokens(batch, tokens, width)
    x.nest("class", "X[b,d] = token[d]", function="copy", parameters={"token": "class"}, d=width)
    x.positions("positions", tokens)
    if tokens != learned + 1:  # interpolated ones are made, not learned
        x.layers[-1] = replace(x.layers[-1], parameters={})
    x.repeat("block", blocks, partial(_pre_norm, heads=heads, hidden=hidden))
    x.layer_norm("norm")
    first = Tokens(batch, 1, width)
    first.dense("head", 1000)
    return maps.layers + x.layers + first.layers
