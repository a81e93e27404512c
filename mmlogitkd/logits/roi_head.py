"""Logits of the boxes that an mmdet two-stage detector samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ..registry import TASK_UTILS
from ..teacher import Teacher
from .batch import LogitBatch
from .options import check_activation, check_choice
from .regions import with_whole
from .roi_records import StageRecord, StageTaps
from .roi_stages import BoxStage, activation_of, box_stages
from .roi_views import cell_views, phase_views

__all__ = ['RoIHeadLogits']


@dataclass
class _Answer:
    """The teacher's stages that were asked, and their scores (N, C_t + 1).

    Its feature maps are kept where regions are scored from them.
    """

    group: list[BoxStage]
    feats: tuple[Tensor, ...]
    scores: Tensor


@TASK_UTILS.register_module()
class RoIHeadLogits:
    """Lets the teacher score the boxes that the student sampled (Faster, Mask, Cascade R-CNN).

    Rows are the boxes of the student's own RoI sampling, with the labels, label weights and
    ``avg_factor`` of its classification loss. The teacher pools the same boxes from its own feature
    maps and scores them with its own box head, as in DKD's detection code (Zhao et al., CVPR 2022);
    its RPN, assigner and post-processing never run. A cascade student gives one batch per stage,
    whose terms are named and weighted like its own losses: ``s0.loss_kd``, ``s1.loss_kd``...

    Args:
        background: whether background is compared as the last class. False drops its column, and
            its rows by a weight of 0; the divisor stays the head's own, which counts them, as the
            head's box loss does.
        teacher_stage: which stage of a cascade teacher answers: an index, or ``'mean'`` for the
            mean of all stages' logits, with which mmdet's cascades predict. None takes the
            student's own stage where both have equally many, and the mean for a plain student.
        views: what SDD compares. ``'cells'``: the sub-boxes of the loss's grids, each scored as a
            box; region 0 is the tapped logits. ``'phases'``: the authors' five views of boxes that
            are pooled at twice the resolution, whatever the loss's ``scales``; they use no
            complementary weights, so set ``SDDLoss(beta=1)``.
        activation: None takes what the head is trained with. ``'softmax'`` or ``'sigmoid'``
            states it against that.

    Raises:
        ValueError: an argument outside these sets.
    """

    def __init__(
        self,
        background: bool = True,
        teacher_stage: int | str | None = None,
        views: str = 'cells',
        activation: str | None = None,
    ) -> None:
        if not isinstance(background, bool):
            raise ValueError(f'logits.background={background!r}: True or False expected')
        is_index = isinstance(teacher_stage, int) and not isinstance(teacher_stage, bool)
        if not (teacher_stage in (None, 'mean') or (is_index and int(teacher_stage) >= 0)):
            raise ValueError(
                f"logits.teacher_stage={teacher_stage!r}: None, 'mean' or an index >= 0 expected"
            )
        check_choice('views', views, ('cells', 'phases'), optional=False)
        check_activation(activation)
        self.background = background
        self.teacher_stage = teacher_stage
        self.views = views
        self.prefixes: tuple[str, ...] = ('',)
        self._stated_activation = activation
        self._with_regions = False
        self._stages: list[BoxStage] = []
        self._taps: list[StageTaps] = []

    @staticmethod
    def fits(model: nn.Module) -> bool:
        """Whether ``model`` has a RoI head with a box branch; :meth:`attach` looks closer."""
        return hasattr(getattr(model, 'roi_head', None), 'bbox_head')

    def attach(self, student: nn.Module, with_regions: bool = False) -> str:
        """Install the taps.

        Args:
            student: the detector that will be trained.
            with_regions: whether a loss asks for region logits.

        Returns:
            ``'softmax'`` or ``'sigmoid'``, what the logits are meant for.

        Raises:
            ValueError: a detector whose box scores cannot be replayed; names what is in the way.
        """
        self._stages = box_stages(student, 'student')
        self._with_regions = with_regions
        cascade = len(self._stages) > 1
        self.prefixes = tuple(f's{i}.' if cascade else '' for i in range(len(self._stages)))
        self._taps = [
            StageTaps(stage, f' of stage {i}' if cascade else '')
            for i, stage in enumerate(self._stages)
        ]
        return self._stated_activation or activation_of(self._stages)

    def detach(self) -> None:
        """Remove the taps."""
        for taps in self._taps:
            taps.remove()
        self._taps, self._stages = [], []

    def arm(self) -> None:
        """Start recording; called as the student's forward pass begins."""
        for taps in self._taps:
            taps.arm()

    def collect(
        self, teacher: Teacher, inputs: Tensor, data_samples: Sequence[Any]
    ) -> list[LogitBatch]:
        """Match the student's records with the teacher's scores of the same boxes.

        Args:
            teacher: built teacher.
            inputs: (N, channels, H, W), the student's batch.
            data_samples: N data samples.

        Returns:
            One batch, or one for each stage of a cascade that had boxes.
        """
        records = [taps.take() for taps in self._taps]
        if records[0] is None:
            raise RuntimeError("the student's box head did not run in its training step")
        ran = {stage: record for stage, record in enumerate(records) if record is not None}
        for stage, record in ran.items():
            _check_record(record, self._stages[stage], inputs)
        answers = teacher.score(partial(self._ask_teacher, ran), inputs, data_samples)
        return [self._batch(stage, ran[stage], teacher, answers[stage]) for stage in ran]

    def _ask_teacher(
        self, records: dict[int, StageRecord], model: Any, inputs: Tensor
    ) -> dict[int, _Answer]:
        """Let the teacher score every stage's boxes."""
        groups = {stage: self._teacher_stages(model, stage) for stage in records}
        feats = tuple(_poolable(level) for level in model.extract_feat(inputs))
        _check_images(feats, inputs, 'teacher')
        kept = feats if self._with_regions else ()
        return {
            stage: _Answer(
                group, kept, _mean([part.score(feats, records[stage].rois) for part in group])
            )
            for stage, group in groups.items()
        }

    def _teacher_stages(self, model: Any, stage: int) -> list[BoxStage]:
        """The teacher's stages that answer for a stage of the student."""
        stages, ours = box_stages(model, 'teacher'), len(self._stages)
        theirs, wanted = activation_of(stages), activation_of(self._stages)
        if self._stated_activation is None and theirs != wanted:
            raise ValueError(
                f"the teacher's box head is trained for {theirs}, the student's for {wanted} "
                f"scores; state logits=dict(type='mmlogitkd.RoIHeadLogits', "
                f"activation='{wanted}') if they are to be compared all the same"
            )
        if isinstance(self.teacher_stage, int):
            if self.teacher_stage >= len(stages):
                raise ValueError(
                    f'logits.teacher_stage={self.teacher_stage}: the teacher has {len(stages)} '
                    f"stage(s), 0 to {len(stages) - 1}; or 'mean'"
                )
            return [stages[self.teacher_stage]]
        if len(stages) == 1 or self.teacher_stage == 'mean' or ours == 1:
            return stages
        if len(stages) != ours:
            raise ValueError(
                f'the student has {ours} stages, the teacher {len(stages)}: say which of them '
                f"answers, logits.teacher_stage='mean' or an index below {len(stages)}"
            )
        return [stages[stage]]

    def _batch(
        self, stage: int, record: StageRecord, teacher: Teacher, answer: _Answer
    ) -> LogitBatch:
        """The rows of one stage."""
        target, weight, num_classes = record.target, record.weight, record.logits.size(1) - 1
        if not self.background:
            # the label of a background row has no column; its weight is 0, so any class will do
            weight = weight * (target < num_classes)
            target = target.clamp(max=num_classes - 1)
        batch = LogitBatch(
            self._ours(record.logits),
            self._theirs(answer.scores, teacher, num_classes),
            target,
            weight,
            record.avg_factor,
            masked=not self.background,
            prefix=self.prefixes[stage],
            loss_weight=self._stages[stage].loss_weight,
        )
        if self._with_regions:
            batch.regions = partial(
                self._regions, batch.student, batch.teacher, stage, record, teacher, answer
            )
        return batch

    def _ours(self, logits: Tensor) -> Tensor:
        """The columns that are compared, of logits (N, C + 1, ...)."""
        return logits if self.background else logits[:, :-1]

    def _theirs(self, logits: Tensor, teacher: Teacher, num_classes: int) -> Tensor:
        """The same columns of the teacher's, its classes in the student's order."""
        classes = teacher.select_classes(logits[:, :-1])
        if classes.size(1) != num_classes:
            raise ValueError(
                f"the student's box head has {num_classes} classes, the teacher's "
                f'{classes.size(1)}: use a teacher of these classes, or name the classes in the '
                "dataset's metainfo and the teacher's checkpoint, so that they are matched by name"
            )
        return torch.cat([classes, logits[:, -1:]], dim=1) if self.background else classes

    def _regions(
        self,
        student: Tensor,
        scores: Tensor,
        stage: int,
        record: StageRecord,
        teacher: Teacher,
        answer: _Answer,
        scales: tuple[int, ...],
    ) -> tuple[Tensor, Tensor]:
        """SDD's views of both, (N, C, R)."""
        if self.views == 'cells' and len(scales) == 1:
            return student.unsqueeze(2), scores.unsqueeze(2)
        rois, num_classes = record.rois, record.logits.size(1) - 1
        with torch.enable_grad():
            ours = self._ours(self._seen(self._stages[stage], record.feats, rois, scales))
        with teacher.mode():
            views = _mean([self._seen(part, answer.feats, rois, scales) for part in answer.group])
        theirs = self._theirs(views, teacher, num_classes)
        if self.views == 'phases':
            return ours, theirs
        return with_whole(student, ours), with_whole(scores, theirs)

    def _seen(
        self, stage: BoxStage, feats: Sequence[Tensor], rois: Tensor, scales: tuple[int, ...]
    ) -> Tensor:
        """One model's views; of cells without region 0, which is known already."""
        if self.views == 'phases':
            return phase_views(stage, feats, rois)
        return cell_views(stage, feats, rois, scales[1:])


def _poolable(level: Tensor) -> Tensor:
    """A feature map as mmcv's RoI pooling takes it.

    On the CPU it reads maps as if they were contiguous, whatever they are, and it knows no
    bfloat16.
    """
    return (level.float() if level.dtype == torch.bfloat16 else level).contiguous()


def _mean(parts: Sequence[Tensor]) -> Tensor:
    """The mean of stages; one stage is returned as it is."""
    return parts[0] if len(parts) == 1 else torch.stack(list(parts)).mean(0)


def _check_record(record: StageRecord, stage: BoxStage, inputs: Tensor) -> None:
    """Refuse records that the teacher's answer could not be matched with."""
    columns, classes = record.logits.size(1), stage.head.num_classes
    if columns != classes + 1:
        raise ValueError(
            f"the student's {type(stage.head).__name__} gives {columns} scores per box for "
            f'{classes} classes; one per class and one for background, {classes + 1}, expected'
        )
    _check_images(record.feats, inputs, 'student')
    if not record.logits.requires_grad and torch.is_grad_enabled():
        raise RuntimeError(
            "the student's box scores carry no gradient: its box head and everything before it is "
            'frozen, or it runs inside a module with activation checkpointing'
        )


def _check_images(feats: Sequence[Tensor], inputs: Tensor, role: str) -> None:
    """Refuse feature maps whose images are not those of the batch: boxes name them by index."""
    if feats[0].size(0) != inputs.size(0):
        raise ValueError(
            f"the {role}'s feature maps hold {feats[0].size(0)} images for a batch of "
            f'{inputs.size(0)}: a detector that repeats its images (TridentNet) is not supported'
        )
