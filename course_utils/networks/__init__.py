"""Published architectures as lists of named nests: parameters, MACs, activations, exactly.

>>> resnet(50).macs(batch=8)
32713474048
>>> len(gpt2("small").parameter_shapes)
196
"""

from .blocks import blocks, sentence
from .convnets import alexnet, lenet5, resnet, vgg
from .llama import llama, mixtral, mixture_of_experts
from .mobile import mobilenet_v1, mobilenet_v2
from .network import Layer, Network
from .recurrent import gru, lstm, rnn
from .sparse import dlrm
from .statespace import mamba
from .transformers import bert, decoder, gpt2, gpt3, vit

__all__ = [
    "Layer",
    "Network",
    "alexnet",
    "bert",
    "blocks",
    "decoder",
    "dlrm",
    "gpt2",
    "gpt3",
    "gru",
    "lenet5",
    "llama",
    "lstm",
    "mamba",
    "mixtral",
    "mixture_of_experts",
    "mobilenet_v1",
    "mobilenet_v2",
    "resnet",
    "rnn",
    "sentence",
    "vgg",
    "vit",
]
