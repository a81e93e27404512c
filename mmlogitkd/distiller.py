"""Teacher, source of logits and losses put together around one student; no Runner needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from .logits import LogitBatch, LogitSource, infer_logits
from .losses.base import LogitLoss
from .losses.checks import explain_values, invalid_values
from .teacher import Teacher

__all__ = ['LogitDistiller']

# MMEngine logs the sum of all terms as 'loss' unless a term has that name, as in mmpretrain
TOTAL_FREE = {'loss': 'loss_task'}


class LogitDistiller:
    """Adds distillation terms to what a student returns for ``mode='loss'``.

    Works on any training loop that calls the model::

        distiller = LogitDistiller(Teacher(config, checkpoint), {'loss_kd': KDLoss()})
        distiller.attach(student)
        losses = student(inputs, data_samples, mode='loss')   # now with losses['loss_kd']
        distiller.detach()

    Args:
        teacher: not yet built; :meth:`attach` builds it.
        losses: name to loss. A name must contain ``loss``: MMEngine sums exactly such keys.
        logits: source of logits; None infers it from the student.
        task_weight: factor on the student's own loss terms.
        validate: check labels and finiteness at every step also where that makes the host wait for
            the device. Without it, CUDA values are checked when :meth:`check_values` is called.

    A student's term that is called just ``loss`` (mmpretrain's classifiers) becomes ``loss_task``,
    so that ``loss`` in the log is the sum, as MMEngine means it.

    Attributes:
        factors: name to current schedule factor; 1 unless set. A factor of 0 skips its loss, and
            the teacher too when all are 0; the term is then reported as 0.

    Raises:
        ValueError: no loss, a name without ``loss`` or just ``loss``, or a negative
            ``task_weight``.
        TypeError: a loss that is not a :class:`LogitLoss`.
    """

    def __init__(
        self,
        teacher: Teacher,
        losses: Mapping[str, LogitLoss],
        logits: LogitSource | None = None,
        task_weight: float = 1.0,
        validate: bool = False,
    ) -> None:
        if not losses:
            raise ValueError('losses={}: give at least one distillation loss, or enabled=False')
        for name, loss in losses.items():
            _check_loss(name, loss)
        if not task_weight >= 0:
            raise ValueError(f'task_weight={task_weight!r}: a number >= 0 expected')
        self.teacher = teacher
        self.losses = dict(losses)
        self.task_weight = float(task_weight)
        self.validate = validate
        self.factors = dict.fromkeys(losses, 1.0)
        self._logits = logits
        self._source: LogitSource | None = None
        self._handles: list[Any] = []
        self._flags: Tensor | None = None
        self._num_classes = 0

    @property
    def weights(self) -> dict[str, float]:
        """Name to the weight in force: the loss's own times its schedule's factor."""
        return {name: loss.loss_weight * self.factors[name] for name, loss in self.losses.items()}

    @property
    def source(self) -> LogitSource:
        """Where the logits come from.

        Raises:
            RuntimeError: not attached.
        """
        if self._source is None:
            raise RuntimeError('the distiller is not attached to a student: call attach(student)')
        return self._source

    def attach(self, student: nn.Module, classes: Sequence[str] | None = None) -> None:
        """Build the teacher and listen to ``student`` (not to its DDP wrapper).

        Args:
            student: the model to distil into.
            classes: class names of its training set, if known.
        """
        self.detach()
        source = self._logits or infer_logits(student)
        wants_regions = any(loss.scales is not None for loss in self.losses.values())
        activation = source.attach(student, with_regions=wants_regions)
        self._source = source
        try:
            for name, loss in self.losses.items():
                _check_activation(name, loss, activation)
                _check_labels(name, loss, getattr(source, 'without_labels', None))
                loss.to(next(student.parameters()).device)
            self.teacher.build(student, classes)
        except Exception:
            self.detach()
            raise
        self._handles = [
            student.register_forward_pre_hook(self._before_forward, with_kwargs=True),
            student.register_forward_hook(self._after_forward, with_kwargs=True),
        ]

    def detach(self) -> None:
        """Leave the student as it was before :meth:`attach`."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        if self._source is not None:
            self._source.detach()
            self._source = None

    def check_values(self) -> None:
        """Raise if a step since the last call had labels out of range or non-finite logits.

        Waits for the device.

        Raises:
            ValueError: names what was wrong.
        """
        flags, self._flags = self._flags, None
        if flags is not None and (found := int(flags)):
            raise ValueError(explain_values('distillation', found, self._num_classes))

    def _before_forward(
        self, model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        in_loss = _call_arguments(args, kwargs)[2] == 'loss'
        if self._source is not None and in_loss and any(self.factors.values()):
            self._source.arm()  # only what will be collected, so that no record outlives the step

    def _after_forward(
        self, model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any
    ) -> Any:
        inputs, data_samples, mode = _call_arguments(args, kwargs)
        if self._source is None or mode != 'loss':
            return None
        return self._with_terms(output, inputs, data_samples)

    def _with_terms(
        self, task_losses: dict[str, Any], inputs: Tensor, data_samples: Any
    ) -> dict[str, Any]:
        """The student's losses, weighted, with the distillation terms added."""
        losses = {
            TOTAL_FREE.get(name, name): _scaled(value, self.task_weight)
            if 'loss' in name
            else value
            for name, value in task_losses.items()
        }
        assert self._source is not None
        names = [prefix + name for prefix in self._source.prefixes for name in self.losses]
        taken = sorted(set(losses) & set(names))
        if taken:
            raise ValueError(f'the student has losses named {taken} itself; rename yours')
        if not any(self.factors.values()):
            losses.update({name: inputs.new_zeros(()) for name in names})
            return losses
        batches = self._source.collect(self.teacher, inputs, data_samples)
        for batch in [batches] if isinstance(batches, LogitBatch) else batches:
            self._note_values(batch)
            for name, loss in self.losses.items():
                losses[batch.prefix + name] = self._term(loss, self.factors[name], batch)
        return losses

    def _term(self, loss: LogitLoss, factor: float, batch: LogitBatch) -> Tensor:
        """One loss on the batch, times its schedule's factor and the batch's weight."""
        if not factor:
            return batch.student.new_zeros(())
        student, teacher = batch.logits(loss.scales)
        weight = batch.weights(loss.per_row)
        term = loss(student, teacher, batch.target, weight, batch.avg_factor)
        factor *= batch.loss_weight
        return term if factor == 1 else term * factor

    def _note_values(self, batch: LogitBatch) -> None:
        """Collect what is wrong with the values, on the device; on the CPU the losses check."""
        if batch.student.device.type == 'cpu':
            return
        self._num_classes = batch.student.size(1)
        flags = invalid_values(batch.student.detach(), batch.teacher, batch.target)
        self._flags = flags if self._flags is None else self._flags | flags
        if self.validate:
            self.check_values()


def _check_loss(name: str, loss: Any) -> None:
    """Refuse what MMEngine would not sum, or no optimizer would train."""
    if not isinstance(loss, LogitLoss):
        raise TypeError(
            f'losses[{name!r}] is a {type(loss).__name__}; a loss of mmlogitkd (a subclass of '
            'mmlogitkd.losses.LogitLoss) expected'
        )
    if name in TOTAL_FREE:
        raise ValueError(
            f"losses has the key {name!r}, MMEngine's name for the sum; call it 'loss_kd'"
        )
    if 'loss' not in name:
        raise ValueError(
            f"losses has the key {name!r}: MMEngine only sums keys that contain 'loss'; call it "
            f"'loss_{name}'"
        )
    if any(parameter.requires_grad for parameter in loss.parameters()):
        raise ValueError(
            f'losses[{name!r}] ({type(loss).__name__}) has trainable parameters, which no '
            'optimizer would see; distillation losses here have none'
        )


def _check_activation(name: str, loss: LogitLoss, activation: str) -> None:
    """Refuse a softmax loss on sigmoid logits, and the reverse, unless it was asked for."""
    if loss.activation != activation:
        raise ValueError(
            f'losses[{name!r}] ({type(loss).__name__}) compares {loss.activation} scores, but the '
            f'student predicts with {activation}. Choose a {activation} loss, or state '
            f"logits=dict(type=..., activation='{loss.activation}') if that is meant"
        )


def _check_labels(name: str, loss: LogitLoss, without_labels: str | None) -> None:
    """Refuse a loss that needs labels where the source says why it has none."""
    if loss.needs_target and without_labels:
        raise ValueError(
            f'losses[{name!r}] ({type(loss).__name__}) needs labels, but {without_labels}'
        )


def _call_arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, str]:
    """Bind a call of a model's ``forward(inputs, data_samples=None, mode='tensor')``."""
    given = dict(zip(('inputs', 'data_samples', 'mode'), args, strict=False)) | kwargs
    return given.get('inputs'), given.get('data_samples'), given.get('mode', 'tensor')


def _scaled(value: Any, factor: float) -> Any:
    """A loss tensor, or a list of them, times ``factor``."""
    if factor == 1:
        return value
    return [part * factor for part in value] if isinstance(value, (list, tuple)) else value * factor
