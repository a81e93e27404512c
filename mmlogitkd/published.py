"""Checkpoints of the literature's CIFAR networks as mmpretrain's: renamed, every tensor checked.

CRD's and DKD's releases (`RepDistiller <https://github.com/HobbitLong/RepDistiller>`_,
`mdistiller <https://github.com/megvii-research/mdistiller>`_) define the same networks under the
same parameter names. mmpretrain puts a backbone and a head around them, so conversion moves the
classifier to ``head.fc`` and all else below ``backbone.``; no number changes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from torch import Tensor, nn

from .datasets.cifar100_classes import CIFAR100_CLASSES
from .teacher.build import build_model, read_config
from .teacher.checkpoint import differences, read_checkpoint, weights_of
from .version import __version__

__all__ = [
    'NAMINGS',
    'NETWORKS',
    'Naming',
    'convert_file',
    'convert_weights',
    'network_config',
    'published_weights',
]

# our name -> the name in the releases; each is a file of configs/_base_/models/cifar
NETWORKS = {
    **{f'resnet{depth}': f'resnet{depth}' for depth in (8, 14, 20, 32, 44, 56, 110)},
    **{f'resnet{depth}x4': f'resnet{depth}x4' for depth in (8, 32)},
    **{f'wrn-{depth}-{w}': f'wrn_{depth}_{w}' for depth in (16, 40) for w in (1, 2)},
    **{f'vgg{depth}': f'vgg{depth}' for depth in (8, 11, 13, 16, 19)},
    'resnet18': 'ResNet18',
    'resnet50': 'ResNet50',
    'mobilenet-v2-half': 'MobileNetV2',
    'shufflenet-v1': 'ShuffleV1',
    'shufflenet-v2': 'ShuffleV2',
}


@dataclass(frozen=True)
class Naming:
    """What the releases call the parts of a family of networks.

    Attributes:
        classifier: Their name of ``head.fc``.
        shortcut: Their name of a block's ``downsample``.
    """

    classifier: str
    shortcut: str = 'downsample'

    def published(self, key: str) -> str:
        """Return the published name of a parameter of the mmpretrain model."""
        if key.startswith('head.fc.'):
            return key.replace('head.fc', self.classifier, 1)
        return key.removeprefix('backbone.').replace('.downsample.', f'.{self.shortcut}.')


# by the backbone's type
NAMINGS = {
    'CIFARResNet': Naming('fc'),
    'CIFARWideResNet': Naming('fc'),
    'CIFARVGG': Naming('classifier'),
    'CIFARMobileNetV2': Naming('classifier.0'),
    'CIFARShuffleNetV1': Naming('linear'),
    'CIFARShuffleNetV2': Naming('linear'),
    'ResNet_CIFAR': Naming('linear', shortcut='shortcut'),
}


def network_config(network: str, folder: Path) -> Config:
    """Return the config of a network, ready to build.

    Args:
        network: a name of :data:`NETWORKS`, on either side, or a config with a ``model``.
        folder: where the model bases are, ``configs/_base_/models/cifar``.

    Raises:
        ValueError: neither a known name nor the path of a config.
        FileNotFoundError: no such config.
    """
    names = {published: name for name, published in NETWORKS.items()}
    name = names.get(network, network)
    if name not in NETWORKS and not network.endswith('.py'):
        raise ValueError(
            f'network {network!r} is none of {", ".join(NETWORKS)}; or give the path of a config'
        )
    config = read_config(folder / f'{name}.py' if name in NETWORKS else network, 'network')
    config.setdefault('default_scope', 'mmpretrain')
    return config


def published_weights(checkpoint: Mapping[str, Any]) -> OrderedDict[str, Tensor]:
    """Return the state dict of a published checkpoint.

    Args:
        checkpoint: one with a ``model`` entry, as the releases save it, or a ``state_dict`` entry,
            or a bare state dict; with or without the ``module.`` of a parallel run.

    Raises:
        ValueError: something in it is no tensor.
    """
    model = checkpoint.get('model')
    weights = weights_of(model if isinstance(model, Mapping) else checkpoint)
    others = [key for key, value in weights.items() if not isinstance(value, Tensor)]
    if others or not weights:
        raise ValueError(
            "no state dict found: neither a 'model' nor a 'state_dict' entry, and not all entries "
            f'are tensors ({", ".join(map(str, others[:8])) or "there are none"}); save the '
            'weights alone, or under one of the two'
        )
    return weights


def convert_weights(
    weights: Mapping[str, Tensor], model: nn.Module, naming: Naming, source: str = 'the checkpoint'
) -> OrderedDict[str, Tensor]:
    """Rename every tensor to what the mmpretrain model calls it.

    PyTorch before 0.4.1, which CRD's release names, had no ``num_batches_tracked`` counters. Where
    a file has none at all they are 0, as in PyTorch's own loading; no answer depends on them.

    Args:
        weights: the published state dict.
        model: the built model.
        naming: of its backbone's family.
        source: what to call the checkpoint in messages.

    Returns:
        The tensors themselves, under the names and in the order of ``model.state_dict()``.

    Raises:
        ValueError: a missing, surplus or misshapen tensor; the message lists them.
    """
    state = model.state_dict()
    names = {key: naming.published(key) for key in state}
    expected = {names[key]: value for key, value in state.items()}
    found = dict(weights)
    if not any(name.endswith('.num_batches_tracked') for name in found):
        counters = [name for name in expected if name.endswith('.num_batches_tracked')]
        found.update((name, torch.zeros((), dtype=torch.int64)) for name in counters)
    wrong = differences(expected, found)
    if wrong:
        head = f'{source} is not of this network:'
        advice = 'Give the network, or a config with the number of classes, that it was trained as.'
        raise ValueError('\n'.join([head, *wrong, advice]))
    return OrderedDict((key, found[name]) for key, name in names.items())


def convert_file(config: Config, source: str, target: Path, trust: bool = False) -> int:
    """Convert a published checkpoint to a file that mmpretrain's models load strictly.

    Its ``meta`` holds the names of CIFAR-100's classes where the head has 100 of them, by which
    the teacher is matched with the training set.

    Args:
        config: of the network, see :func:`network_config`.
        source: file of the published checkpoint.
        target: file to write.
        trust: allow arbitrary pickled objects, as some releases save their arguments beside the
            weights. Unpickling them runs code from the file.

    Returns:
        How many tensors the file holds.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a backbone of another kind, or a checkpoint that is an URL (the releases' files
            share one name, under which a download would be kept), cannot be read or is not of
            this network.
    """
    if '://' in source:
        raise ValueError(f'{source}: download the file and give its path')
    kind = str(config.model.get('backbone', {}).get('type')).rpartition('.')[2]
    if kind not in NAMINGS:
        raise ValueError(
            f'model.backbone.type={kind!r}: published names are known of {", ".join(NAMINGS)}; '
            'give a config with one of them'
        )
    weights = published_weights(read_checkpoint(source, trust))
    converted = convert_weights(weights, build_model(config), NAMINGS[kind], source)
    meta: dict[str, Any] = dict(converted_from=Path(source).name, mmlogitkd_version=__version__)
    if len(converted['head.fc.bias']) == len(CIFAR100_CLASSES):
        meta['dataset_meta'] = dict(classes=CIFAR100_CLASSES)
    target.parent.mkdir(parents=True, exist_ok=True)
    torch.save(dict(meta=meta, state_dict=converted), target)
    return len(converted)
