"""Convolutional networks: LeNet-5, AlexNet, VGG, ResNet."""

from functools import partial

import numpy as np

from .maps import Maps
from .network import Network
from .parts import choose

# LeCun et al. 1998, table I: which of the six maps of S2 each of the sixteen maps of C3 sees.
_C3 = [sorted((m + i) % 6 for i in range(3)) for m in range(6)]
_C3 += [sorted((m + i) % 6 for i in range(4)) for m in range(6)]
_C3 += [[0, 1, 3, 4], [1, 2, 4, 5], [0, 2, 3, 5], [0, 1, 2, 3, 4, 5]]

_VGG = {
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
    19: (2, 2, 4, 4, 4),
}
_RESNET = {  # depth -> blocks of each stage, bottleneck or not
    18: ((2, 2, 2, 2), False),
    34: ((3, 4, 6, 3), False),
    50: ((3, 4, 6, 3), True),
    101: ((3, 4, 23, 3), True),
    152: ((3, 8, 36, 3), True),
}


def lenet5(c3="paper"):
    """LeNet-5 on 32×32 digits (LeCun, Bottou, Bengio, Haffner 1998).

    c3="paper": C3 sees its inputs by the paper's table (60 of 96 connections), pooling has a
    trained scale and bias a map, the output is the squared distance to 84-pixel templates that are
    fixed (a contraction of 840 MACs, no parameters): the paper's 60,000 trained parameters.
    c3="full": what frameworks build: C3 sees all maps, pooling is a plain mean, the output dense.

    >>> lenet5()
    LeNet-5 (C3 by the paper's table): 60,000 parameters, 326,520 MAC at batch 1, image 32
    >>> lenet5(c3="full")
    LeNet-5 (C3 full): 61,706 parameters, 416,520 MAC at batch 1, image 32
    """
    c3, said = choose("lenet5", "c3", c3, {"paper": "by the paper's table", "full": "full"})
    name = f"LeNet-5 (C3 {said})"
    return Network(name, {"batch": 1, "image": 32}, partial(_lenet5, name, c3 == "paper"))


def _lenet5(name, paper, batch, image):
    if image != 32:
        raise ValueError(
            f"{name}: image must be 32, since F6 takes one position of C5; got {image} "
            "(pad digits of 28 by 2 on each side)"
        )
    maps = Maps(name, batch, 1, image)
    maps.conv("c1", 6, 5, bias=True)
    maps.pointwise("c1.tanh", "tanh")
    _subsample(maps, "s2", paper)
    if paper:
        _sparse_c3(maps)
    else:
        maps.conv("c3", 16, 5, bias=True)
    maps.pointwise("c3.tanh", "tanh")
    _subsample(maps, "s4", paper)
    maps.conv("c5", 120, 5, bias=True)
    maps.pointwise("c5.tanh", "tanh")
    maps.dense("f6", 84)
    maps.pointwise("f6.tanh", "tanh")
    if paper:
        _distances(maps)
    else:
        maps.dense("output", 10)
    return maps.layers


def _subsample(maps, name, trained):
    """The sum of each 2×2 window; in the paper scaled, shifted and squashed."""
    maps.pool(name, 2, 2, function="")
    if trained:
        maps.norm(name)
        maps.pointwise(f"{name}.tanh", "tanh")


def _sparse_c3(maps):
    """C3 as one nest over its 60 pairs of (map seen, map made), each with a filter of its own."""
    of, to = np.array([(seen, made) for made, seeing in enumerate(_C3) for seen in seeing]).T
    maps.bias("c3", "Y[b,k,y,x] = bias[k]", k=16, y=10, x=10)
    text = "Y[b,to[p],y,x] += X[b,of[p],y+r,x+s] * W[p,r,s]"
    sizes = dict(p=len(of), y=10, x=10, r=5, s=5)
    index = {"of": of, "to": to}
    maps.nest("c3", text, "window", parameters={"W": "c3.weight"}, index=index, **sizes)
    maps.channels, maps.side = 16, 10


def _distances(maps):
    """The squared distance to each of ten fixed templates."""
    sizes = dict(o=10, i=84)
    maps.nest("output.difference", "D[b,o,i] = X[b,i] + template[o,i]", **sizes)
    maps.nest("output", "H[b,o] += D[b,o,i] * D[b,o,i]", "matmul", **sizes)


def alexnet():
    """AlexNet of 2012: two groups, 227×227 pixels (Krizhevsky, Sutskever, Hinton).

    The paper prints 224, from which its 55×55 maps do not follow; 227 gives them.  At other sizes
    an adaptive average pool (PyTorch's) makes the maps fit the first dense layer.

    >>> alexnet()
    AlexNet: 60,965,224 parameters, 724,406,816 MAC at batch 1, image 227
    """
    return Network("AlexNet", {"batch": 1, "image": 227}, _alexnet)


def _alexnet(batch, image):
    maps = Maps("AlexNet", batch, 3, image)
    maps.conv("conv1", 96, 11, stride=4, bias=True)
    _respond(maps, "conv1")
    maps.conv("conv2", 256, 5, pad=2, groups=2, bias=True)
    _respond(maps, "conv2")
    maps.conv("conv3", 384, 3, pad=1, bias=True)
    maps.pointwise("conv3.relu", "relu")
    maps.conv("conv4", 384, 3, pad=1, groups=2, bias=True)
    maps.pointwise("conv4.relu", "relu")
    maps.conv("conv5", 256, 3, pad=1, groups=2, bias=True)
    maps.pointwise("conv5.relu", "relu")
    maps.pool("conv5.pool", 3, 2)
    maps.fit("fit", 6)
    return _classifier(maps, ("fc6", "fc7", "fc8"))


def _respond(maps, name):
    """ReLU, normalisation over five neighbouring channels, overlapping max-pooling."""
    maps.pointwise(f"{name}.relu", "relu")
    squares = "S[b,c,y,x] += X[b,c+r-2,y,x] * X[b,c+r-2,y,x]"
    shape = dict(X=maps.shape(), pad=2)
    maps.nest(f"{name}.response.sum", squares, "reduction", r=5, **shape, **maps.grid())
    maps.pointwise(f"{name}.response.power", "power")
    divide = "Y[b,c,y,x] = X[b,c,y,x] * S[b,c,y,x]"
    maps.nest(f"{name}.response.divide", divide, **maps.grid())
    maps.pool(f"{name}.pool", 3, 2)


def _classifier(maps, names):
    for name, outputs in zip(names, (4096, 4096, 1000), strict=True):
        maps.dense(name, outputs)
        if outputs > 1000:
            maps.pointwise(f"{name}.relu", "relu")
    return maps.layers


def vgg(depth=16, bn=False):
    """VGG-11, 13, 16 or 19 (Simonyan and Zisserman 2014, columns A, B, D, E), 224×224 pixels.

    bn=True: with batch normalisation after each convolution.  At other image sizes an adaptive
    average pool (PyTorch's) makes the maps fit the first dense layer.

    >>> vgg(16)
    VGG-16: 138,357,544 parameters, 15.5 GMAC at batch 1, image 224
    """
    depth, blocks = choose("vgg", "depth", depth, _VGG)
    if not isinstance(bn, bool):
        raise ValueError(f"vgg: bn, with batch normalisation or not, is True or False; got {bn!r}")
    name = f"VGG-{depth}{' with batch normalisation' if bn else ''}"
    return Network(name, {"batch": 1, "image": 224}, partial(_vgg, name, blocks, bn))


def _vgg(name, blocks, bn, batch, image):
    maps = Maps(name, batch, 3, image)
    for block, (convs, channels) in enumerate(zip(blocks, (64, 128, 256, 512, 512), strict=True)):
        for i in range(convs):
            conv = f"conv{block + 1}_{i + 1}"
            maps.conv(conv, channels, 3, pad=1, bias=True)
            if bn:
                maps.norm(f"{conv}.norm")
            maps.pointwise(f"{conv}.relu", "relu")
        maps.pool(f"pool{block + 1}", 2, 2)
    maps.fit("fit", 7)
    return _classifier(maps, ("fc1", "fc2", "fc3"))


def resnet(depth=50, version=1.5):
    """ResNet-18, 34, 50, 101 or 152 (He, Zhang, Ren, Sun 2015), 224×224 pixels.

    version=1: a bottleneck has its stride in the first 1×1 convolution, as in the paper;
    version=1.5: in the 3×3 one, as in torchvision.  ResNet-18 and 34 have no bottleneck: both
    versions are the same network.

    >>> resnet(50)
    ResNet-50 v1.5: 25,557,032 parameters, 4.09 GMAC at batch 1, image 224
    >>> resnet(50, version=1).macs()
    3857973248
    """
    depth, (stages, bottleneck) = choose("resnet", "depth", depth, _RESNET)
    version, said = choose("resnet", "version", version, {1: "1", 1.5: "1.5"})
    name = f"ResNet-{depth} v{said}" if bottleneck else f"ResNet-{depth}"
    strides = (2, 1) if version == 1 else (1, 2)
    block = partial(_bottleneck, strides=strides) if bottleneck else _basic
    return Network(name, {"batch": 1, "image": 224}, partial(_resnet, name, stages, block))


def _resnet(name, stages, block, batch, image):
    maps = Maps(name, batch, 3, image)
    _conv_norm(maps, "conv1", 64, 7, 2, relu=True)
    maps.pool("pool1", 3, 2, pad=1)
    for stage, blocks in enumerate(stages):
        for i in range(blocks):
            first = 2 if stage and not i else 1
            block(maps, f"stage{stage + 1}.{i}", 64 * 2**stage, first)
    maps.mean("pool")
    maps.dense("fc", 1000)
    return maps.layers


def _conv_norm(maps, name, k, taps, stride=1, relu=False):
    maps.conv(name, k, taps, stride, pad=taps // 2)
    maps.norm(f"{name}.norm")
    if relu:
        maps.pointwise(f"{name}.relu", "relu")


def _basic(maps, name, width, stride):
    came = maps.channels, maps.side
    _conv_norm(maps, f"{name}.conv1", width, 3, stride, relu=True)
    _conv_norm(maps, f"{name}.conv2", width, 3)
    _skip(maps, name, came, stride)


def _bottleneck(maps, name, width, stride, strides):
    came = maps.channels, maps.side
    first, second = (stride if s == 2 else 1 for s in strides)
    _conv_norm(maps, f"{name}.conv1", width, 1, first, relu=True)
    _conv_norm(maps, f"{name}.conv2", width, 3, second, relu=True)
    _conv_norm(maps, f"{name}.conv3", 4 * width, 1)
    _skip(maps, name, came, stride)


def _skip(maps, name, came, stride):
    """Add what came in, through a 1×1 convolution where its shape has changed."""
    left = maps.channels, maps.side
    if came[0] != left[0]:
        maps.channels, maps.side = came
        _conv_norm(maps, f"{name}.project", left[0], 1, stride)
    maps.channels, maps.side = left
    maps.add(f"{name}.add")
    maps.pointwise(f"{name}.relu", "relu")
