"""Convolutional networks for small devices: MobileNet v1 and v2."""

from functools import partial
from numbers import Real

from .maps import Maps
from .network import Network

# (channels, stride) of each depthwise-separable layer; Howard et al. 2017, table 1
_V1 = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)]
_V1 += [(512, 1)] * 5 + [(1024, 2), (1024, 1)]
# (expansion, channels, blocks, stride of the first); Sandler et al. 2018, table 2
_V2 = [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
]


_WIDEST = 100


def _width(network, width):
    number = isinstance(width, Real) and not isinstance(width, bool)
    if not number or not 0 < width <= _WIDEST:
        raise ValueError(
            f"{network}: width multiplies all channels: a number above 0 and up to {_WIDEST}, "
            f"such as 0.5 or 1.0; got {width!r}"
        )
    return float(width)


def mobilenet_v1(width=1.0):
    """MobileNet (Howard et al. 2017): published widths are 0.25, 0.5, 0.75 and 1.0, images 128,
    160, 192 and 224.  Channels are rounded down to whole ones, as in Keras.

    >>> mobilenet_v1()
    MobileNet v1 1.0: 4,231,976 parameters, 568,740,352 MAC at batch 1, image 224
    >>> mobilenet_v1(0.25).parameters, mobilenet_v1(0.25).macs(image=128)
    (470072, 13570048)
    """
    width = _width("mobilenet_v1", width)
    if int(32 * width) < 1:
        raise ValueError(
            f"mobilenet_v1: width {width!r} leaves the first layer without channels; "
            "it must be at least 1/32"
        )
    name = f"MobileNet v1 {width}"
    return Network(name, {"batch": 1, "image": 224}, partial(_v1, name, width))


def _v1(name, width, batch, image):
    maps = Maps(name, batch, 3, image)
    maps.conv("conv", int(32 * width), 3, stride=2, pad=1)
    _norm_relu6(maps, "conv")
    for i, (channels, stride) in enumerate(_V1):
        maps.depthwise(f"block.{i}.depthwise", 3, stride, pad=1)
        _norm_relu6(maps, f"block.{i}.depthwise")
        maps.conv(f"block.{i}.pointwise", int(channels * width), 1)
        _norm_relu6(maps, f"block.{i}.pointwise")
    maps.mean("pool")
    maps.dense("fc", 1000)
    return maps.layers


def _norm_relu6(maps, name):
    maps.norm(f"{name}.norm")
    maps.pointwise(f"{name}.relu6", "relu6")


def mobilenet_v2(width=1.0):
    """MobileNet v2 (Sandler et al. 2018): published widths are 0.35, 0.5, 0.75, 1.0, 1.3 and 1.4.

    Channels are rounded to multiples of 8, never down by more than a tenth; the last layer has
    1,280, and more only above width 1.

    >>> mobilenet_v2()
    MobileNet v2 1.0: 3,504,872 parameters, 300,774,272 MAC at batch 1, image 224
    """
    width = _width("mobilenet_v2", width)
    name = f"MobileNet v2 {width}"
    return Network(name, {"batch": 1, "image": 224}, partial(_v2, name, width))


def _eights(channels):
    """The nearest multiple of 8, or the next one where that would lose more than a tenth."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * channels else rounded + 8


def _v2(name, width, batch, image):
    maps = Maps(name, batch, 3, image)
    maps.conv("conv1", _eights(32 * width), 3, stride=2, pad=1)
    _norm_relu6(maps, "conv1")
    i = 0
    for expansion, channels, blocks, first in _V2:
        for block in range(blocks):
            stride = first if block == 0 else 1
            _inverted(maps, f"block.{i}", expansion, _eights(channels * width), stride)
            i += 1
    maps.conv("conv2", _eights(1280 * max(1.0, width)), 1)
    _norm_relu6(maps, "conv2")
    maps.mean("pool")
    maps.dense("fc", 1000)
    return maps.layers


def _inverted(maps, name, expansion, channels, stride):
    """Expand by a 1×1 convolution, filter each channel, project back; skip where shapes agree."""
    came = maps.channels
    if expansion > 1:
        maps.conv(f"{name}.expand", expansion * came, 1)
        _norm_relu6(maps, f"{name}.expand")
    maps.depthwise(f"{name}.depthwise", 3, stride, pad=1)
    _norm_relu6(maps, f"{name}.depthwise")
    maps.conv(f"{name}.project", channels, 1)
    maps.norm(f"{name}.project.norm")
    if stride == 1 and channels == came:
        maps.add(f"{name}.add")
