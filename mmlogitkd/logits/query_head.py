"""Class logits of the queries of mmdet's DETR family."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from ..registry import TASK_UTILS
from ..teacher import Teacher
from .batch import LogitBatch
from .columns import activation_of, select_columns
from .dense_families import LossCall
from .options import check_activation, check_choice, check_rows, why_without_labels
from .query_families import check_student, check_teacher, decoder_layers, is_query_detector
from .query_matching import Queries, assigned_labels, pair_queries
from .query_records import divisor_of, labels_of, matching_part, row_weights
from .tap import Tap
from .threads import concurrently

__all__ = ['QueryHeadLogits']


@TASK_UTILS.register_module()
class QueryHeadLogits:
    """Matches the teacher's queries with the student's, in every image and step.

    A row is one query of the student in one image, with the teacher's query that a Hungarian
    assignment gives it, as in D³ETR's adaptive matching (arXiv 2211.09768). The student's logits
    come from its head's own pass; labels, weights and the divisor are those of its own
    classification loss. The teacher runs in eval mode with its own queries, without loss and
    post-processing. Denoising queries and the encoder's proposals take no part.

    Args:
        rows: ``'all'``, every query that has a partner; ``'foreground'``, queries that the
            student's own assignment gave an object; ``'teacher_topk'``, in each image the ``topk``
            queries of the teacher with the highest class scores. None is ``'all'`` where the
            head's own activation is kept, and an error with another.
        match: ``'predictions'``, by the least summed cost between both models' predictions;
            ``'objects'``, queries of the same annotated object first, the rest by predictions.
            None is ``'objects'`` for ``rows='foreground'``, else ``'predictions'``.
        layers: ``'last'``, or ``'all'`` decoder layers, each with the teacher's of the same index
            and with terms named like the task's: ``d0.loss_kd``, ..., ``loss_kd``.
        topk: queries per image for ``'teacher_topk'``.
        activation: None takes what the head predicts with; ``'softmax'`` or ``'sigmoid'`` states
            it against that, as softmax losses on a sigmoid head need.

    Raises:
        ValueError: an argument outside these sets.
    """

    prefixes: tuple[str, ...] = ('',)

    def __init__(
        self,
        rows: str | None = None,
        match: str | None = None,
        layers: str = 'last',
        topk: int | None = None,
        activation: str | None = None,
    ) -> None:
        check_choice('match', match, ('predictions', 'objects'))
        check_choice('layers', layers, ('last', 'all'), optional=False)
        check_rows(rows, topk)
        check_activation(activation)
        self.rows = rows or 'all'
        self.match = match or ('objects' if rows == 'foreground' else 'predictions')
        self.layers = layers
        self.topk = topk
        self._stated_rows = rows
        self._stated_activation = activation
        self._taps: dict[str, Tap] = {}

    @staticmethod
    def fits(model: nn.Module) -> bool:
        """Whether ``model`` is built like a detector of the DETR family."""
        return is_query_detector(model)

    @property
    def without_labels(self) -> str | None:
        """Why the rows have no labels for the losses, None where they have them."""
        return why_without_labels(self.rows, self._background, 'QueryHeadLogits')

    def attach(self, student: nn.Module, with_regions: bool = False) -> str:
        """Install the taps.

        Args:
            student: the detector that will be trained.
            with_regions: whether a loss asks for region logits.

        Returns:
            ``'softmax'`` or ``'sigmoid'``, what the logits are meant for.

        Raises:
            ValueError: a detector whose queries are not known here, regions are wanted, or the
                rows have to be named.
        """
        check_student(student)
        if with_regions:
            raise ValueError(
                'SDD needs regions, and a query is one box of the whole image: there is nothing to '
                'divide. Use its base loss by itself'
            )
        head: Any = student.bbox_head
        own = activation_of(head)
        activation = self._stated_activation or own
        if self._stated_rows is None and activation != own:
            raise ValueError(
                f'logits.activation={activation!r} on a {own} head: which rows count has to be '
                "said too, as most queries find no object: rows='foreground', "
                "rows='teacher_topk' with topk=..., or rows='all'"
            )
        self._head = head
        self._background = head.cls_out_channels > head.num_classes
        self._depth = decoder_layers(student)
        first = 0 if self.layers == 'all' else self._depth - 1
        self._layers = range(first, self._depth)
        self.prefixes = tuple('' if i == self._depth - 1 else f'd{i}.' for i in self._layers)
        self._fitting = self._proven = False
        name = type(head).__name__
        self._taps = {
            'head': Tap(head, f'the head {name}'),
            'loss': Tap(head.loss_cls, f'loss_cls of {name}', 'call'),
        }
        limit = f', topk={self.topk} per image' if self.topk else ''
        print_log(
            f'Rows of {name} for distillation: {self.rows!r}{limit}, matched by {self.match}; '
            f"decoder layers: {self.layers}; {activation} over the classes; divided as the head's "
            'own loss',
            logger='current',
        )
        return activation

    def detach(self) -> None:
        """Remove the taps."""
        for tap in self._taps.values():
            tap.remove()
        self._taps = {}

    def arm(self) -> None:
        """Start recording; called as the student's forward pass begins."""
        for tap in self._taps.values():
            tap.arm()

    def collect(
        self, teacher: Teacher, inputs: Tensor, data_samples: Sequence[Any]
    ) -> list[LogitBatch]:
        """Match the student's records with the teacher's answer to the same images.

        Args:
            teacher: built teacher.
            inputs: (B, channels, H, W), the student's batch.
            data_samples: B data samples.

        Returns:
            One batch for each decoder layer that is distilled.
        """
        calls = [LossCall(*call.args, **call.kwargs) for call in self._taps['loss'].take_all()]
        ours = matching_part(self._taps['head'].take(), calls, self._depth)
        if not self._fitting:
            self._check_teacher(teacher.model)
            self._fitting = True
        theirs = teacher.score(partial(_answer, samples=data_samples), inputs, data_samples)
        theirs = self._as_ours(theirs, teacher)
        if not self._proven:
            self._proven = self._prove(ours, calls, data_samples)
        return [
            self._batch(
                Queries(*(part[layer] for part in ours)),
                Queries(*(part[layer - self._depth] for part in theirs)),
                calls[layer],
                data_samples,
                prefix,
            )
            for layer, prefix in zip(self._layers, self.prefixes, strict=True)
        ]

    def _check_teacher(self, model: Any) -> None:
        """Refuse a teacher whose layers or columns are not those of the student."""
        check_teacher(model)
        depth, head = decoder_layers(model), model.bbox_head
        if self.layers == 'all' and depth != self._depth:
            raise ValueError(
                f"logits.layers='all': the student's decoder has {self._depth} layers, the "
                f"teacher's {depth}, so no layer says which answers for which; use layers='last'"
            )
        if (head.cls_out_channels > head.num_classes) != self._background:
            ours, theirs = ('a', 'no') if self._background else ('no', 'a')
            raise ValueError(
                f"the student's {type(self._head).__name__} has {ours} column for background, the "
                f"teacher's {type(head).__name__} has {theirs}: softmax and sigmoid scores do not "
                'mean the same; use two of a kind'
            )

    def _as_ours(self, answer: tuple[Tensor, Tensor], teacher: Teacher) -> Queries:
        """The teacher's answer with the columns of the student."""
        logits, boxes = answer
        columns = select_columns(teacher, logits.flatten(0, 2), self._background)
        if columns.size(1) != self._head.cls_out_channels:
            raise ValueError(
                f"the student's head has {self._head.cls_out_channels} columns, the teacher's "
                f'{columns.size(1)}: use a teacher with the same number of classes, or name the '
                "classes in the dataset's metainfo and the teacher's checkpoint, so that they are "
                'matched by name'
            )
        return Queries(columns.unflatten(0, logits.shape[:3]), boxes)

    @torch.no_grad()
    def _prove(self, ours: Queries, calls: Sequence[LossCall], samples: Sequence[Any]) -> bool:
        """Compare the rows with those that the task loss was given, and their labels; once."""
        name = type(self._head).__name__
        for logits, call in zip(ours.logits, calls, strict=False):
            if not torch.equal(logits.flatten(0, 1).nan_to_num(), call.pred.nan_to_num()):
                raise RuntimeError(
                    f'the queries that {name} scores are not those that its classification loss '
                    'was given: labels and logits would not belong together'
                )
        if self.match == 'predictions':
            return True
        for layer in self._layers:
            found = [
                assigned_labels(
                    self._head.assigner,
                    Queries(ours.logits[layer, image], ours.boxes[layer, image]),
                    sample,
                    self._head.num_classes,
                )
                for image, sample in enumerate(samples)
            ]
            if not torch.equal(torch.cat(found), labels_of(calls[layer])):
                raise RuntimeError(
                    f'the labels that {name} trains its queries with are not those that its '
                    'assigner gives them, so which object a query stands for is unknown; set '
                    "match='predictions'"
                )
        return any(len(sample.gt_instances) for sample in samples)

    def _pairs(
        self, ours: Queries, theirs: Queries, samples: Sequence[Any]
    ) -> list[tuple[Tensor, Tensor]]:
        """For each image the indices of the student's queries and of their partners."""
        queries = ours.logits.size(1)

        def pair(image: int) -> tuple[Tensor, Tensor]:
            return pair_queries(
                self._head.assigner,
                Queries(*(part[image].detach() for part in ours)),
                Queries(*(part[image] for part in theirs)),
                samples[image],
                limit=min(self.topk or queries, queries),
                background=self._background,
                objects=self.match == 'objects',
                rest=self.match == 'predictions' or self.rows != 'foreground',
            )

        works = [partial(pair, image) for image in range(len(samples))]
        return concurrently(works, ours.logits.device)

    def _batch(
        self,
        ours: Queries,
        theirs: Queries,
        call: LossCall,
        samples: Sequence[Any],
        prefix: str,
    ) -> LogitBatch:
        """The pairs of one layer; both hold B images."""
        queries, labels = ours.logits.size(1), labels_of(call)
        pairs = self._pairs(ours, theirs, samples)
        rows, partners = (
            torch.cat([pair[side] + image * count for image, pair in enumerate(pairs)])
            for side, count in ((0, queries), (1, theirs.logits.size(1)))
        )
        if self.rows == 'foreground' and self.match == 'predictions':
            kept = labels[rows] < self._head.num_classes
            rows, partners = rows[kept], partners[kept]
        weight = row_weights(self._head, call)
        return LogitBatch(
            ours.logits.flatten(0, 1)[rows],
            theirs.logits.flatten(0, 1)[partners],
            None if self.without_labels else labels[rows],
            None if weight is None else weight[rows],
            divisor_of(call),
            prefix=prefix,
        )


def _answer(model: Any, inputs: Tensor, samples: Sequence[Any]) -> tuple[Tensor, Tensor]:
    """Class scores (layers, B, Q, channels) and boxes (layers, B, Q, 4) of the model's queries."""
    logits, boxes = model(inputs, samples, mode='tensor')[:2]
    return logits, boxes
