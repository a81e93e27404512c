"""One object that owns everything about the teacher."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import print_log
from torch import Tensor, nn

from .build import build_model, build_untrained, read_config
from .checkpoint import load_strictly, read_checkpoint, weights_of
from .classes import class_columns, classes_of_checkpoint
from .fast_options import FastOptions
from .fast_path import FastPath
from .preprocess import InputConversion, input_conversion

__all__ = ['Teacher']


class Teacher:
    """A frozen model that scores the student's inputs.

    It is no ``nn.Module`` and no attribute of one, so it cannot end up in a checkpoint, an
    optimizer, an EMA copy or DDP. Always in eval mode, never with gradient.

    Args:
        config: path, ``'package::path'``, dict or :class:`Config` of the model.
        checkpoint: file or URL with its trained weights, loaded strictly and safely.
        init: ``'random'`` says that an untrained teacher is wanted (tests, dry runs); then
            ``checkpoint`` must be None.
        ignore_keys: regular expressions of checkpoint entries to leave out.
        preprocess: ``'match'`` converts the student's normalised inputs where the two data
            preprocessors differ; ``'same'`` hands them over as they are.
        classes: ``'match'`` compares the class names of the training set with those in the
            checkpoint, and picks and orders the teacher's columns by name; ``'ignore'`` does not.
        trust_checkpoint: allow a checkpoint that holds arbitrary pickled objects.
        fast: switches of :class:`~mmlogitkd.teacher.fast_options.FastOptions` that are not to be
            at their defaults; False switches all off.

    Raises:
        ValueError: an argument outside these sets, or neither or both of ``checkpoint`` and
            ``init``.
    """

    def __init__(
        self,
        config: str | Path | Mapping[str, Any] | Config,
        checkpoint: str | Path | None = None,
        init: str | None = None,
        ignore_keys: Sequence[str] = (),
        preprocess: str = 'match',
        classes: str = 'match',
        trust_checkpoint: bool = False,
        fast: bool | Mapping[str, Any] = True,
    ) -> None:
        if (checkpoint is None) == (init is None) or init not in (None, 'random'):
            raise ValueError(
                f'teacher.checkpoint={checkpoint!r}, teacher.init={init!r}: give the checkpoint of '
                "a trained teacher, or init='random' if an untrained one is meant"
            )
        if preprocess not in ('match', 'same'):
            raise ValueError(f"teacher.preprocess={preprocess!r}: 'match' or 'same' expected")
        if classes not in ('match', 'ignore'):
            raise ValueError(f"teacher.classes={classes!r}: 'match' or 'ignore' expected")
        self.config = config
        self.checkpoint = None if checkpoint is None else str(checkpoint)
        self.ignore_keys = tuple(ignore_keys)
        self.preprocess = preprocess
        self.classes = classes
        self.trust_checkpoint = trust_checkpoint
        self.fast = FastOptions.of(fast)
        self._model: nn.Module | None = None
        self._path: FastPath | None = None
        self._conversion: InputConversion | None = None
        self._columns: Tensor | None = None

    @property
    def model(self) -> nn.Module:
        """The built model, frozen and in eval mode; :meth:`score` makes it faster in place."""
        if self._model is None:
            raise RuntimeError('the teacher is not built yet: call build(student) first')
        return self._model

    @property
    def _fast_path(self) -> FastPath:
        """What runs the built model."""
        if self._path is None:
            self._path = FastPath(self.model, self.fast)
        return self._path

    def build(self, student: nn.Module, classes: Sequence[str] | None = None) -> Teacher:
        """Build and load the model, and find out how it fits the student.

        Args:
            student: the model that will be trained; decides the device and the inputs.
            classes: class names of the training set, if it has any.
        """
        device = next(student.parameters()).device
        untrained = self.checkpoint is None
        model = (build_untrained if untrained else build_model)(read_config(self.config))
        names = None
        report = "not trained (init='random')"
        if self.checkpoint is not None:
            checkpoint = read_checkpoint(self.checkpoint, self.trust_checkpoint)
            names = classes_of_checkpoint(checkpoint)
            weights = weights_of(checkpoint)
            report = load_strictly(model, weights, self.checkpoint, self.ignore_keys)
        self._model = model.to(device).eval().requires_grad_(False)
        self._path = FastPath(self._model, self.fast)
        if self.preprocess == 'match':
            conversion = input_conversion(student, model)
            self._conversion = conversion and conversion.to(device)
        if self.classes == 'match':
            columns = class_columns(classes, names)
            self._columns = None if columns is None else torch.tensor(columns, device=device)
        said = "converted from the student's" if self._conversion else "the student's"
        mapped = 'by name' if self._columns is not None else 'as they are'
        print_log(
            f'Teacher {type(model).__name__}: {report}; inputs: {said}; classes: {mapped}'
            f'{"" if names else " (no class names to compare)"}',
            logger='current',
        )
        return self

    def score(
        self,
        forward: Callable[[nn.Module, Tensor], Any],
        inputs: Tensor,
        data_samples: Sequence[Any] | None = None,
    ) -> Any:
        """Run ``forward(model, inputs)`` without gradient on inputs made fit for the teacher.

        The first call decides how the model is run from then on: layers on which its answer does
        not depend are left out. Until :meth:`select_classes` has seen them, tensors in the answer
        may not enter autograd (they are inference tensors) and may be in reduced precision.
        """
        if self._conversion is not None:
            with torch.no_grad():
                inputs = self._conversion(inputs, data_samples)
        return self._fast_path.run(forward, inputs)

    @property
    def fast_report(self) -> str:
        """What the fast path has done, in words; empty until :meth:`score` has seen a batch."""
        return self._fast_path.report

    def mode(self) -> AbstractContextManager[None]:
        """Return the mode that :meth:`score` runs in, for further passes of the model's parts."""
        return self._fast_path.mode()

    def select_classes(self, logits: Tensor) -> Tensor:
        """Pick and order the class axis, dim 1 of (N, C, ...), as the student has it.

        What it returns is fit for the losses.
        """
        logits = self._fast_path.usable(logits)
        return logits if self._columns is None else logits.index_select(1, self._columns)
