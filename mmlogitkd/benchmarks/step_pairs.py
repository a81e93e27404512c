"""Which students, teachers and losses the benchmarks of training steps and memory take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ['LOSSES', 'PAIRS', 'Pair', 'choose_pairs', 'loss_names']

Loss = dict[str, Any]

_KD: Loss = dict(type='mmlogitkd.KDLoss')
LOSSES: dict[str, Loss] = {
    'LDRLD': dict(type='mmlogitkd.LDRLDLoss'),
    'Binary KD': dict(type='mmlogitkd.BinaryKDLoss'),
    'KD': _KD,
    'DKD': dict(type='mmlogitkd.DKDLoss'),
    'NKD': dict(type='mmlogitkd.NKDLoss'),
    'DIST': dict(type='mmlogitkd.DISTLoss'),
    'LumiNet': dict(type='mmlogitkd.LumiNetLoss'),
    'TTM': dict(type='mmlogitkd.TTMLoss'),
    'WTTM': dict(type='mmlogitkd.WTTMLoss'),
    'RLD': dict(type='mmlogitkd.RLDLoss'),
    'GDKD': dict(type='mmlogitkd.GDKDLoss'),
    'MLKD': dict(type='mmlogitkd.MLKDLoss'),
    'LSKD-KD': dict(type='mmlogitkd.StandardizedLoss', base=_KD),
    'SD-KD': dict(type='mmlogitkd.SDDLoss', scales=(1, 2), base=_KD),
    'SD-LDRLD': dict(
        type='mmlogitkd.SDDLoss', scales=(1, 2), base=dict(type='mmlogitkd.LDRLDLoss')
    ),
}
"""Name to config; where a value is not given it is the default of the loss."""


@dataclass(frozen=True)
class Pair:
    """A student and its teacher.

    Attributes:
        name: what the tables and ``--pairs`` call it.
        config: training config with the distillation block, below ``configs/``.
        loss: key of :data:`LOSSES`, what the target is about.
        cpu: (pixels, images) of a step on a CPU: the size of the image, of detectors its longer
            side, and the batch size.
        cuda: the same on a GPU.
        family: ``'classifier'``, ``'boxes'`` or ``'dense'``.
    """

    name: str
    config: str
    loss: str
    cpu: tuple[int, int]
    cuda: tuple[int, int]
    family: str

    def losses(self) -> list[str]:
        """Names of the losses that fit, the pair's own first.

        Binary KD is for sigmoid heads, and a dense head's row has no regions.
        """
        dense = self.family == 'dense'
        fitting = (n for n in LOSSES if not n.startswith('SD-' if dense else 'Binary'))
        return sorted(fitting, key=lambda name: name != self.loss)

    def logits(self, loss: str) -> Loss | None:
        """Config of the source of logits for a loss, None for the inferred one."""
        if self.family == 'dense':
            activation = 'sigmoid' if loss == 'Binary KD' else 'softmax'
            return dict(type='mmlogitkd.DenseHeadLogits', rows='foreground', activation=activation)
        return None


PAIRS = (
    Pair(
        'ResNet34-ResNet18',
        'classification/ldrld/ldrld_resnet34-resnet18_8xb32_in1k.py',
        'LDRLD',
        cpu=(224, 16),
        cuda=(224, 128),
        family='classifier',
    ),
    Pair(
        'ResNet32x4-ResNet8x4',
        'classification/ldrld/ldrld_resnet32x4-resnet8x4_1xb64-240e_cifar100.py',
        'LDRLD',
        cpu=(32, 64),
        cuda=(32, 256),
        family='classifier',
    ),
    Pair(
        'Faster R-CNN R50-R18',
        'step_benchmark/ldrld_faster-rcnn-r50_faster-rcnn-r18_fpn_step.py',
        'LDRLD',
        cpu=(320, 2),
        cuda=(1024, 8),
        family='boxes',
    ),
    Pair(
        'RetinaNet R50-R18',
        'step_benchmark/binary-kd_retinanet-r50_retinanet-r18_fpn_step.py',
        'Binary KD',
        cpu=(320, 2),
        cuda=(1024, 8),
        family='dense',
    ),
)


def choose_pairs(names: Sequence[str] | None) -> list[Pair]:
    """Return the pairs with these names, upper or lower case; None for all.

    Raises:
        ValueError: a name that is none of :data:`PAIRS`.
    """
    known = {pair.name.lower(): pair for pair in PAIRS}
    unknown = [name for name in names or () if name.lower() not in known]
    if unknown:
        raise ValueError(f'no such pairs: {unknown}; there are {[pair.name for pair in PAIRS]}')
    return list(PAIRS) if names is None else [known[name.lower()] for name in names]


def loss_names(pair: Pair, names: Sequence[str] | None) -> list[str]:
    """Return which losses to measure on a pair: its own for None, every fitting one for ``all``.

    Raises:
        ValueError: a name that is neither ``all`` nor a loss that fits the pair.
    """
    if not names:
        return [pair.loss]
    if list(names) == ['all']:
        return pair.losses()
    known = {name.lower(): name for name in LOSSES}
    unknown = [name for name in names if name.lower() not in known]
    if unknown:
        raise ValueError(f'no such losses: {unknown}; there are {list(LOSSES)}, and all')
    return [known[n.lower()] for n in names if known[n.lower()] in pair.losses()]
