"""Class logits of mmdet's one-stage detectors with a dense head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from ..registry import TASK_UTILS
from ..teacher import Teacher
from .batch import LogitBatch
from .columns import activation_of, select_columns
from .dense_families import Family, LossCall, TaskRows, family_of, forward_family, task_rows
from .dense_rows import check_maps, check_priors, rows_at, rows_of_maps, to_logits
from .options import check_activation, check_rows, why_without_labels
from .tap import Tap

__all__ = ['DenseHeadLogits']


@TASK_UTILS.register_module()
class DenseHeadLogits:
    """Taps a dense head and its classification loss, and matches the teacher row by row.

    A row is one prior of one cell of one level of one image. The student's logits come from its
    head's own pass; labels, label weights and the divisor are those of its own classification
    loss. The teacher runs backbone, neck and head only, and its rows are the same places: that is
    checked when the first step runs, together with that the rows are those the loss was given.

    Args:
        rows: ``'all'``, every row with its label weight; ``'foreground'``, rows that carry an
            object's label; ``'teacher_topk'``, in each image the ``topk`` rows with the teacher's
            highest class scores. None is ``'all'`` where the head's own activation is kept
            (``'foreground'`` for YOLOX, which classifies nothing else), and an error with another.
        topk: rows per image for ``'teacher_topk'``.
        activation: None takes what the head predicts with; ``'softmax'`` or ``'sigmoid'`` states
            it against that, as softmax losses on a sigmoid head need.
        compact: leave out rows of weight 0 by index, which makes the host wait for the device
            once a step as these heads do themselves many times, or keep them with weight 0, which
            costs the losses' time and memory on every row. None is True for ``'foreground'``, else
            False. Losses over the whole batch (DIST, MLKD) cannot weigh rows and need True.

    Raises:
        ValueError: an argument outside these sets.
    """

    prefixes: tuple[str, ...] = ('',)

    def __init__(
        self,
        rows: str | None = None,
        topk: int | None = None,
        activation: str | None = None,
        compact: bool | None = None,
    ) -> None:
        check_rows(rows, topk)
        check_activation(activation)
        self.topk = topk
        self._stated_rows = rows
        self._stated_activation = activation
        self._stated_compact = compact
        self._taps: dict[str, Tap] = {}

    @staticmethod
    def fits(model: nn.Module) -> bool:
        """Whether ``model`` is built like a one-stage detector: a ``bbox_head``, no RoIs."""
        head = getattr(model, 'bbox_head', None)
        return isinstance(head, nn.Module) and not hasattr(model, 'roi_head')

    @property
    def without_labels(self) -> str | None:
        """Why the rows have no labels for the losses, None where they have them."""
        return why_without_labels(self.rows, self._background, 'DenseHeadLogits')

    def attach(self, student: nn.Module, with_regions: bool = False) -> str:
        """Install the taps.

        Args:
            student: the detector that will be trained.
            with_regions: whether a loss asks for region logits.

        Returns:
            ``'softmax'`` or ``'sigmoid'``, what the logits are meant for.

        Raises:
            ValueError: the model is no one-stage detector of a known family, regions are wanted,
                or the rows have to be named.
        """
        if not self.fits(student):
            raise ValueError(
                f'{type(student).__name__} is not built like an mmdet one-stage detector (a '
                '`bbox_head` module, no `roi_head`); DenseHeadLogits cannot tell its logits'
            )
        if with_regions:
            raise ValueError(
                'SDD needs regions, and a row of a dense head is one position: there is nothing '
                'to divide. Use its base loss by itself'
            )
        head: Any = student.bbox_head
        self._family = family_of(head)
        self._head = head
        own = activation_of(head)
        activation = self._stated_activation or own
        self.rows = self._chosen_rows(own, activation)
        self.compact = self._stated_compact
        if self.compact is None:
            self.compact = self.rows == 'foreground'
        self._background = head.cls_out_channels > head.num_classes
        self._proven = False
        losses = {'loss_cls': head.loss_cls}
        if self._family.probabilities:
            losses['initial'] = head.initial_loss_cls
        if self._family.order == 'positive':
            losses['objectness'] = head.loss_obj
        name = type(head).__name__
        self._taps = {'head': Tap(head, f'the head {name}')}
        self._taps |= {key: Tap(loss, f'{key} of {name}', 'call') for key, loss in losses.items()}
        limit = f', topk={self.topk} per image' if self.topk else ''
        left_out = 'by index' if self.compact else 'by weight 0'
        print_log(
            f'Rows of {name} for distillation: {self.rows!r}{limit}, the rest left out '
            f"{left_out}; {activation} over the classes; divided as the head's own loss",
            logger='current',
        )
        return activation

    def _chosen_rows(self, own: str, activation: str) -> str:
        """The rows in force, or an error where they have to be named or cannot be had."""
        if self._family.order == 'positive':
            if self._stated_rows not in (None, 'foreground'):
                raise ValueError(
                    f'logits.rows={self._stated_rows!r}: {type(self._head).__name__} trains its '
                    'class scores on positives alone, so elsewhere neither its logits nor the '
                    "teacher's mean anything without the objectness; use rows='foreground'"
                )
            return 'foreground'
        if self._stated_rows is None and activation != own:
            raise ValueError(
                f'logits.activation={activation!r} on a {own} head: which rows count has to be '
                "said too, as background rows have no class: rows='foreground', "
                "rows='teacher_topk' with topk=..., or rows='all'"
            )
        return self._stated_rows or 'all'

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
            inputs: (B, channels, H, W), the student's batch.
            data_samples: B data samples.
        """
        calls = {
            key: [LossCall(*call.args, **call.kwargs) for call in tap.take_all()]
            for key, tap in self._taps.items()
            if key != 'head'
        }
        maps = self._taps['head'].take()[0]
        if not self._proven:
            self._their_family = self._fitting(teacher.model)
        theirs = teacher.score(_class_maps, inputs, data_samples)
        check_maps(maps, theirs)
        channels = self._head.cls_out_channels
        seen = task_rows(
            self._family,
            calls['loss_cls'] + calls.get('initial', []),
            calls.get('objectness', []),
            len(maps[0]),
            [level[0].numel() // channels for level in maps],
            self._head.num_classes,
            with_scores=not self._proven,
        )
        if not self._proven:
            self._proven = _proven(rows_of_maps(maps, channels), seen, type(self._head).__name__)
        return self._batch(maps, theirs, teacher, seen)

    def _fitting(self, teacher: nn.Module) -> Family:
        """The family of the teacher's head, if its rows are those of the student."""
        if not self.fits(teacher):
            raise ValueError(
                f'the teacher {type(teacher).__name__} is no one-stage detector (a `bbox_head` '
                "module, no `roi_head`), so it has no rows for the student's "
                f'{type(self._head).__name__}; use one with a head of the same kind'
            )
        head: nn.Module = teacher.bbox_head  # type: ignore[assignment]
        family = forward_family(head)
        if (family.order == 'positive') != (self._family.order == 'positive'):
            raise ValueError(
                f'the class scores of {type(self._head).__name__} (student) and of '
                f'{type(head).__name__} (teacher) mean different things: those of YOLOX hold given '
                'an object, the others without that condition; use two of a kind'
            )
        check_priors(self._head, head)
        return family

    def _weight(self, seen: TaskRows) -> Tensor | None:
        """Weights (B, R) of the rows that may take part; None where all have the weight 1."""
        if self.rows != 'foreground':
            return seen.weight
        foreground = (seen.labels >= 0) & (seen.labels < self._head.num_classes)
        return foreground.float() if seen.weight is None else seen.weight * foreground

    def _batch(
        self, ours: Sequence[Tensor], theirs: Sequence[Tensor], teacher: Teacher, seen: TaskRows
    ) -> LogitBatch:
        """Choose rows of both heads' class maps."""
        weight = self._weight(seen)
        index = self._chosen(theirs, teacher, weight, seen.labels.shape)
        student = to_logits(rows_at(ours, self._head.cls_out_channels, index), self._family)
        parts = [seen.labels.flatten()] + ([] if weight is None else [weight.flatten()])
        target, *rest = parts if index is None else [part[index] for part in parts]
        weight = rest[0] if rest else None
        if self.compact and not self._weighs_positives:
            weight = None  # all that are left weigh 1
        elif weight is not None and not self._background:
            target = torch.where(weight > 0, target, 0)  # no class is meant where nothing counts
        return LogitBatch(
            student,
            self._scores(theirs, teacher, index),
            None if self.without_labels else target,
            weight,
            seen.divisor,
            masked=weight is not None,
        )

    @property
    def _weighs_positives(self) -> bool:
        """Whether label weights other than 0 and 1 occur in mmdet's heads."""
        return (self._head.train_cfg or {}).get('pos_weight', -1) > 0

    def _scores(self, maps: Sequence[Tensor], teacher: Teacher, index: Tensor | None) -> Tensor:
        """The teacher's logits (B * R, channels) or those of ``index``, columns as the student."""
        head: Any = teacher.model.bbox_head
        rows = to_logits(rows_at(maps, head.cls_out_channels, index), self._their_family)
        return select_columns(teacher, rows, self._background)

    def _chosen(
        self, theirs: Sequence[Tensor], teacher: Teacher, weight: Tensor | None, shape: torch.Size
    ) -> Tensor | None:
        """Indices into the B * R rows, ``shape``, of those that are compared; None for all."""
        index = None
        if self.rows == 'teacher_topk':
            index = self._top_rows(self._scores(theirs, teacher, None).view(*shape, -1), weight)
        if self.compact and weight is not None:
            kept = weight.flatten() > 0
            index = kept.nonzero().squeeze(1) if index is None else index[kept[index]]
        return index

    def _top_rows(self, teacher: Tensor, weight: Tensor | None) -> Tensor:
        """Indices into (B * R) of the rows with the highest class scores in every image."""
        score = (teacher.softmax(-1)[..., :-1] if self._background else teacher).amax(-1)  # (B, R)
        if weight is not None:
            score = score.masked_fill(weight <= 0, -torch.inf)
        images, rows = score.shape
        index = score.topk(min(self.topk or rows, rows), dim=1).indices
        first = torch.arange(images, device=index.device) * rows
        return (index + first.unsqueeze(1)).flatten()


def _class_maps(model: Any, inputs: Tensor) -> Sequence[Tensor]:
    """Backbone, neck and head; the class maps are what every dense head returns first."""
    return model.bbox_head(model.extract_feat(inputs))[0]


@torch.no_grad()
def _proven(rows: Tensor, seen: TaskRows, name: str) -> bool:
    """Compare the rows of the class maps with those the task loss was given; once per run."""
    if seen.scores is None:
        return False  # YOLOX without any positive: another step will tell
    own = rows if seen.only is None else rows[seen.only]
    if own.shape != seen.scores.shape or not torch.equal(
        own.nan_to_num(), seen.scores.to(own.dtype).nan_to_num()
    ):
        raise RuntimeError(
            f"the rows of {name}'s class maps, {tuple(own.shape)}, are not those that its "
            f'classification loss was given, {tuple(seen.scores.shape)}: labels and logits would '
            'not belong together. This head orders its rows in a way that is not known here'
        )
    return True
