"""Six blocks that networks repeat, at sizes at which they can stand beside each other.

`sentence` reads a network as a sentence of a dozen words.
"""

from functools import cache
from itertools import groupby

from .convnets import resnet
from .llama import routed_experts
from .mobile import mobilenet_v1
from .network import Network
from .statespace import mamba
from .tokens import Tokens
from .transformers import gpt2, vit

# Part of a layer's name -> its word; the first that fits.
_WORDS = {
    "norm": "norm",
    "scan": "scan",
    "pooler": "dense",
    "pool": "pool",
    "add": "+",
    "attention": "attention",
    "mlp": "FFN",
    "router": "route",
    "experts": "experts",
    "gate": "gate",
    "relu": "relu",
    "silu": "silu",
    "softplus": "softplus",
}

PLACES = 196  # 14 × 14 pixels or patches; so many tokens
_WIDTH, _HEADS = 768, 12  # of GPT-2 small, ViT-B and Mamba 130m
# Each of the experts has as many weights as GPT-2's two matrices: 3 · 768 · 2,048.
_HIDDEN, _EXPERTS, _TOP = 2048, 8, 2


@cache
def blocks():
    """{name: `Network`}: a block each of six architectures, batch 1.

    ResNet-50 and MobileNet v1 on maps of 14×14; ViT-B/16 on their 196 patches and the class token;
    Mamba 130m on 196 tokens; GPT-2 small writes one token after 195 others; MoE is its block with
    eight gated experts for the feed-forward network, two for each of 196 tokens.

    >>> for block in blocks().values():
    ...     print(block)
    ResNet-50 v1.5, stage3.1: 1,117,184 parameters, 218,365,952 MAC at batch 1, image 224
    MobileNet v1 1.0, block.7: 268,800 parameters, 52,283,392 MAC at batch 1, image 224
    ViT-B/16, block.0: 7,087,872 parameters, 1.45 GMAC at batch 1, image 224
    GPT-2 small, block.0: 7,087,872 parameters, 7,378,944 MAC at batch 1, tokens 1, past 195
    GPT-2 small with experts: 40,120,320 parameters, 2.37 GMAC at batch 1, tokens 196
    Mamba 130m, block.0: 3,771,648 parameters, 733,372,416 MAC at batch 1, tokens 196
    """
    return {
        "ResNet": resnet(50).part("stage3.1"),
        "MobileNet": mobilenet_v1().part("block.7"),
        "ViT": vit("b/16").part("block.0"),
        "GPT": gpt2("small").part("block.0").at(tokens=1, past=PLACES - 1),
        "MoE": Network("GPT-2 small with experts", dict(batch=1, tokens=PLACES), _experts),
        "Mamba": mamba("130m").part("block.0").at(tokens=PLACES),
    }


def sentence(network):
    """The words of a network in the order in which its steps run; neighbours of one word are one.

    A step for which there is no word goes by its own name.

    >>> " ".join(sentence(blocks()["ViT"]))
    'norm attention + norm FFN +'
    """
    return [word for word, _ in groupby(filter(None, map(_word, network)))]


def _word(layer):
    """The word of a layer, or "" for a bias, which belongs to the product after it."""
    for part, word in _WORDS.items():
        if part in layer.name:
            return word
    if layer.function == "bias":
        return ""
    if layer.primitive == "window" and len(layer.nest.shape("W")) < 4:
        return "depthwise"  # its filters have no axis of input channels
    if layer.contracts:
        return "conv" if "x" in layer.nest.size else "dense"
    return "look-up" if layer.primitive == "gather" else layer.name.split(".")[-1]


def _experts(batch, tokens):
    x = Tokens(batch, tokens, _WIDTH)
    x.repeat("block", 1, _block)
    return x.layers


def _block(x):
    x.layer_norm("attention.norm")
    x.attention("attention", _HEADS)
    x.add("attention.add")
    x.layer_norm("mlp.norm")
    routed_experts(x, _HIDDEN, _EXPERTS, _TOP)
    x.add("mlp.add")
