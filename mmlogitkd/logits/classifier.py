"""Logits of an mmpretrain ``ImageClassifier``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ..registry import TASK_UTILS
from ..teacher import Teacher
from .batch import LogitBatch
from .options import check_activation
from .regions import averaging_pool, pooled_cells, region_logits, with_whole
from .tap import Tap

__all__ = ['ClassifierLogits']


@TASK_UTILS.register_module()
class ClassifierLogits:
    """Taps a classifier's head and, for losses that want regions, its last feature map.

    Rows are images. The student's logits are what its head returns inside its own loss; labels
    come from the data samples. Where mixup or cutmix is configured the labels are soft, (N, C).

    Args:
        pooling: ``'direct'`` pools every region from the feature map; ``'nested'`` pools the finest
            grid first and the rest from it, as SDD's authors do (region 0 too, which then is not
            the model's own logits unless the map is a multiple of the grid).
        activation: ``None`` takes what the head predicts with: softmax, or sigmoid for multi-label
            heads. ``'softmax'`` or ``'sigmoid'`` states it against that.
    """

    prefixes: tuple[str, ...] = ('',)

    def __init__(self, pooling: str = 'direct', activation: str | None = None) -> None:
        if pooling not in ('direct', 'nested'):
            raise ValueError(f"logits.pooling={pooling!r}: 'direct' or 'nested' expected")
        check_activation(activation)
        self.pooling = pooling
        self._stated_activation = activation
        self._taps: dict[str, Tap] = {}

    @staticmethod
    def fits(model: nn.Module) -> bool:
        """Whether ``model`` is built like an ``ImageClassifier``: backbone, head, no boxes."""
        head = getattr(model, 'head', None)
        return (
            isinstance(head, nn.Module)
            and hasattr(model, 'backbone')
            and not any(hasattr(model, name) for name in ('bbox_head', 'roi_head', 'rpn_head'))
        )

    def attach(self, student: nn.Module, with_regions: bool = False) -> str:
        """Install the taps.

        Args:
            student: the classifier that will be trained.
            with_regions: whether a loss asks for region logits.

        Returns:
            ``'softmax'`` or ``'sigmoid'``, what the logits are meant for.

        Raises:
            ValueError: the model is no classifier with a head, or regions are wanted and it has
                none.
        """
        if not self.fits(student):
            raise ValueError(
                f'{type(student).__name__} is not built like an mmpretrain ImageClassifier (a '
                '`backbone` and a `head` module); ClassifierLogits cannot tell its logits'
            )
        head: nn.Module = student.head  # type: ignore[assignment]
        self._student = student
        self._taps = {'head': Tap(head, f'the head {type(head).__name__}')}
        if with_regions:
            pool = _pool_of(student, 'student')
            self._taps['map'] = Tap(pool, 'the pooling neck', side='input')
        return self._stated_activation or _activation_of(head)

    def detach(self) -> None:
        """Remove the taps."""
        for tap in self._taps.values():
            tap.remove()
        self._taps = {}

    def arm(self) -> None:
        """Start recording; called as the student's forward pass begins."""
        for tap in self._taps.values():
            tap.arm()

    def collect(self, teacher: Teacher, inputs: Tensor, data_samples: Sequence[Any]) -> LogitBatch:
        """Match the student's records with the teacher's answer to the same images.

        Args:
            teacher: built teacher.
            inputs: (N, channels, H, W), the student's batch.
            data_samples: N data samples with ``gt_label`` or ``gt_score``.
        """
        records = {name: tap.take() for name, tap in self._taps.items()}
        student = _one_tensor(records['head'], 'student')
        if (
            torch.is_grad_enabled()
            and not student.requires_grad
            and any(p.requires_grad for p in self._student.parameters())
        ):
            raise RuntimeError(
                "the student's logits carry no gradient: its head runs inside a module with "
                'activation checkpointing. Checkpoint parts of the backbone instead'
            )
        features = teacher.score(self._ask_teacher, inputs, data_samples)
        scores = teacher.select_classes(_one_tensor(features[-1], 'teacher'))
        batch = LogitBatch(student, scores, _labels(self._student, data_samples))
        if 'map' in self._taps:
            batch.regions = partial(
                self._regions, student, records['map'], scores, features[0], teacher
            )
        return batch

    def teacher_logits(
        self,
        teacher: Teacher,
        inputs: Tensor,
        data_samples: Sequence[Any],
        scales: tuple[int, ...] = (),
    ) -> Tensor:
        """Return what :meth:`collect` takes from a teacher, for a cache of its answers.

        Args:
            teacher: built teacher.
            inputs: (N, channels, H, W), the student's batch.
            data_samples: N data samples.
            scales: grids whose cells are wanted; only where the source is attached with regions.

        Returns:
            (N, C, R): the image's own logits, then those of the cells, without the 1 x 1 grid
            unless ``pooling='nested'``.
        """
        features = teacher.score(self._ask_teacher, inputs, data_samples)
        scores = teacher.select_classes(_one_tensor(features[-1], 'teacher')).unsqueeze(2)
        if not scales:
            return scores
        cells = teacher.select_classes(self._their_cells(teacher, features[0], scales))
        return torch.cat([scores, cells], dim=2)

    def _ask_teacher(self, model: Any, inputs: Tensor) -> tuple[Any, Any]:
        """Return the teacher's map before its pooling (None if not needed) and its logits."""
        if 'map' not in self._taps:
            return None, model(inputs, mode='tensor')
        tap = Tap(_pool_of(model, 'teacher'), "the teacher's pooling neck", side='input')
        try:
            tap.arm()
            logits = model(inputs, mode='tensor')
            return tap.take(), logits
        finally:
            tap.remove()

    def _regions(
        self,
        student: Tensor,
        student_map: Any,
        scores: Tensor,
        teacher_map: Any,
        teacher: Teacher,
        scales: tuple[int, ...],
    ) -> tuple[Tensor, Tensor]:
        """Region logits of both, (N, C, R); region 0 is the tapped logits themselves."""
        if self.pooling == 'direct' and len(scales) == 1:
            return student.unsqueeze(2), scores.unsqueeze(2)
        theirs = self._their_cells(teacher, teacher_map, scales)
        ours = self._scored(self._student, student_map, scales, torch.enable_grad())
        theirs = teacher.select_classes(theirs)
        if self.pooling == 'nested':
            return ours, theirs
        return with_whole(student, ours), with_whole(scores, theirs)

    def _their_cells(self, teacher: Teacher, record: Any, scales: tuple[int, ...]) -> Tensor:
        """The teacher's cells; a cached teacher has a function in place of the map."""
        if callable(record):
            return record(scales, self.pooling == 'nested')
        return self._scored(teacher.model, record, scales, teacher.mode())

    def _scored(self, model: Any, record: Any, scales: tuple[int, ...], mode: Any) -> Tensor:
        """Cells of one model's map, scored by its own neck and head."""
        nested = self.pooling == 'nested'
        with mode:
            cells = pooled_cells(_last_map(record), scales, nested)
            cells = cells if nested else cells[:, :, 1:]  # region 0 is known already
            return region_logits(cells, averaging_pool(model.neck), model.head)  # type: ignore


def _activation_of(head: nn.Module) -> str:
    """How the head turns logits into predictions, by the family of its class."""
    names = {base.__name__ for base in type(head).__mro__}
    return 'sigmoid' if 'MultiLabelClsHead' in names else 'softmax'


def _pool_of(model: nn.Module, role: str) -> nn.Module:
    """The global average pooling of ``model``, or an error that says what to change."""
    neck = getattr(model, 'neck', None)
    pool = averaging_pool(neck)
    if pool is None:
        backbone = type(getattr(model, 'backbone', model)).__name__
        raise ValueError(
            f'SDD needs a last feature map followed by global average pooling; the {role} '
            f'({backbone} backbone, neck {type(neck).__name__}) has none. '
            f'{_ADVICE.get(backbone, _ADVICE[""])}'
        )
    return pool


_VIT = (
    "Train it with backbone.out_type='featmap' and neck=dict(type='GlobalAveragePooling') (the "
    'patch tokens are classified instead of the class token: weights trained the other way give '
    'other logits)'
)
_ADVICE = {
    'ConvNeXt': (
        "Set backbone.gap_before_final_norm=False and neck=dict(type='GlobalAveragePooling') "
        '(this swaps pooling and norm: pretrained weights no longer give the same logits)'
    ),
    'VisionTransformer': _VIT,
    'DistilledVisionTransformer': _VIT,
    'DeiT3': _VIT,
    'VGG': (
        'Build VGG without num_classes, so that it returns its map, with a GlobalAveragePooling '
        'neck and a LinearClsHead, and train it that way'
    ),
    '': (
        "Use neck=dict(type='GlobalAveragePooling') behind a backbone that returns (N, C, H, W) "
        'maps, or a loss without regions'
    ),
}


def _last_map(record: Any) -> Tensor:
    """The (N, D, H, W) map among what the pooling neck was given."""
    feature_map = record[-1] if isinstance(record, (tuple, list)) else record
    if not isinstance(feature_map, Tensor) or feature_map.dim() != 4:
        shape = tuple(getattr(feature_map, 'shape', ()))
        raise ValueError(f'the pooling neck was given {shape}; SDD needs maps (N, C, H, W)')
    return feature_map


def _one_tensor(output: Any, role: str) -> Tensor:
    """One (N, C) tensor from a head; two branches that the head predicts as a sum are summed."""
    if (
        isinstance(output, tuple)
        and [getattr(part, 'shape', 0) for part in output] == [getattr(output[0], 'shape', 1)] * 2
    ):
        return output[0] + output[1]  # ConformerHead predicts with this sum
    if not isinstance(output, Tensor) or output.dim() != 2:
        raise ValueError(
            f'the {role} gave {type(output).__name__} {tuple(getattr(output, "shape", ()))}; one '
            'score per image and class, (N, C), is needed (no multi-task or dense heads)'
        )
    return output


def _labels(student: nn.Module, data_samples: Sequence[Any] | None) -> Tensor | None:
    """Labels as the student's own loss sees them: (N,) indices, or (N, C) scores if mixed."""
    if not data_samples:
        return None
    first = data_samples[0]
    mixes = getattr(getattr(student, 'data_preprocessor', None), 'batch_augments', None)
    indexed = 'gt_label' in first and all(sample.gt_label.numel() == 1 for sample in data_samples)
    if 'gt_score' in first and (mixes is not None or not indexed):
        return torch.stack([sample.gt_score for sample in data_samples])
    return torch.cat([sample.gt_label for sample in data_samples]) if indexed else None
