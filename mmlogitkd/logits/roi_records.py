"""What one stage of a student's RoI head did in one training step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .roi_stages import BoxStage
from .tap import Call, Tap

__all__ = ['StageRecord', 'StageTaps']


@dataclass
class StageRecord:
    """The boxes that a stage sampled, how it scored them, and what its task loss was given.

    Attributes:
        feats: feature maps that the boxes were pooled from.
        rois: (N, 5), image index and corners in input pixels.
        logits: (N, C + 1), with gradient, background last.
        target: (N,) labels, C for background.
        weight: (N,) label weights.
        avg_factor: what the classification loss divides by.
    """

    feats: tuple[Tensor, ...]
    rois: Tensor
    logits: Tensor
    target: Tensor
    weight: Tensor
    avg_factor: float | Tensor | None


class StageTaps:
    """Listens to one stage: its RoI extractor, its box head and its classification loss."""

    def __init__(self, stage: BoxStage, name: str) -> None:
        self._stage = stage
        self._name = name
        modules = (stage.extractor, stage.head, stage.head.loss_cls)
        self._taps = [Tap(module, type(module).__name__, side='call') for module in modules]

    def arm(self) -> None:
        """Start recording."""
        for tap in self._taps:
            tap.arm()

    def remove(self) -> None:
        """Stop listening."""
        for tap in self._taps:
            tap.remove()

    def take(self) -> StageRecord | None:
        """Return what the stage did, or None if it did not run (no boxes left in a cascade).

        Raises:
            RuntimeError: the records do not belong together, one to one.
        """
        pools, heads, losses = (tap.take_all() for tap in self._taps)
        if not heads:
            return None
        head: Call = self._one(heads, 'box head')
        logits: Tensor = head.output[0]
        if self._stage.shared_head is None:
            # a mask branch may pool its own boxes with the same extractor
            pools = [call for call in pools if call.output is head.args[0]]
        feats, rois = self._one(pools, 'RoI extractor').args[:2]
        if not logits.numel():  # mmdet then has no classification loss
            return StageRecord(
                feats, rois, logits, rois.new_zeros(0, dtype=torch.long), rois.new_zeros(0), 1.0
            )
        loss = self._one(losses, 'classification loss')
        given: dict[str, Any] = dict(
            zip(('scores', 'target', 'weight', 'avg_factor'), loss.args, strict=False)
        )
        given |= loss.kwargs
        if given.get('scores') is not logits or given.get('weight') is None:
            raise RuntimeError(
                f'the classification loss{self._name} was not given the scores of the box head '
                'with one label and one weight each; the labels of the boxes are unknown'
            )
        return StageRecord(
            feats, rois, logits, given['target'], given['weight'], given.get('avg_factor')
        )

    def _one(self, calls: list[Call], what: str) -> Call:
        """Return the only call."""
        if len(calls) != 1:
            raise RuntimeError(
                f'the {what}{self._name} ran {len(calls)} times for the sampled boxes of one '
                'training step of the student; exactly one run can be matched with the teacher'
            )
        return calls[0]
