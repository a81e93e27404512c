"""Checks of logits, labels and weights: what the losses refuse, and what they say then."""

import math

import torch
from torch import Tensor

STUDENT_NOT_FINITE, TEACHER_NOT_FINITE, LABEL_OUT_OF_RANGE = 1, 2, 4


def logits(owner: str, student: Tensor, teacher: Tensor, regions: bool) -> None:
    """Refuse logits whose shapes, dtypes or devices do not fit each other or the loss."""
    shape = '(N, C, R)' if regions else '(N, C)'
    if student.shape != teacher.shape:
        raise ValueError(
            f'{owner}: student logits {tuple(student.shape)} and teacher logits '
            f'{tuple(teacher.shape)} differ in shape; both must be {shape} over the same rows and '
            'the same classes in the same order'
        )
    if student.dim() != (3 if regions else 2) or student.shape[1:].numel() == 0:
        hint = ''
        if regions and student.dim() == 2:
            hint = '; regions come from an adapter that pools the feature map: it reads `scales`'
        elif student.dim() == 3:
            hint = '; wrap the loss in SDDLoss for region logits, or flatten them to rows'
        raise ValueError(f'{owner} takes logits {shape}, got {tuple(student.shape)}{hint}')
    for who, tensor in (('student', student), ('teacher', teacher)):
        if not tensor.is_floating_point():
            raise ValueError(
                f'{owner}: {who} logits are {tensor.dtype}; pass the floating-point output of the '
                'classifier, not its decisions'
            )
    if student.device != teacher.device:
        raise ValueError(
            f'{owner}: student logits are on {student.device}, teacher logits on {teacher.device}; '
            'move the teacher to the device of the student'
        )


def target(owner: str, student: Tensor, labels: Tensor | None, soft: bool = False) -> None:
    """Refuse labels that are missing, or not (N,) int64; (N, C) scores pass with ``soft``."""
    num_rows, num_classes = student.shape[:2]
    if labels is None:
        raise ValueError(
            f'{owner} needs the labels of the {num_rows} rows as target (N,); pass them, or use a '
            'loss without labels (KDLoss, LDRLDLoss, LumiNetLoss)'
        )
    if labels.device != student.device:
        raise ValueError(f'{owner}: target is on {labels.device}, the logits on {student.device}')
    if labels.is_floating_point():
        if labels.shape != (num_rows, num_classes):
            raise ValueError(
                f'{owner}: target is {labels.dtype} {tuple(labels.shape)}; labels are int64 '
                f'({num_rows},)' + (f' or scores ({num_rows}, {num_classes})' if soft else '')
            )
        if not soft:
            raise ValueError(
                f'{owner} takes one class index per row and got soft labels '
                f'{tuple(labels.shape)}: it sets the label apart from the other classes, and a '
                'mixture names several; use a loss without labels (KDLoss, LDRLDLoss, '
                'LumiNetLoss), or drop the label mixing (batch_augments: mixup, cutmix)'
            )
    elif labels.dtype != torch.int64 or labels.shape != (num_rows,):
        raise ValueError(
            f'{owner}: target must be int64 ({num_rows},), got {labels.dtype} '
            f'{tuple(labels.shape)}; convert with target.long() and flatten to one label per row'
        )


def weights(owner: str, student: Tensor, weight: Tensor | None, per_row: bool) -> None:
    """Refuse row weights that are not (N,), or that the loss cannot apply."""
    if weight is None:
        return
    if not per_row:
        raise ValueError(
            f'{owner} has no value per row (its terms couple the rows of the batch), so `weight` '
            'cannot be applied; pass only the rows that count, or use a per-row loss'
        )
    if weight.shape != student.shape[:1] or weight.device != student.device:
        raise ValueError(
            f'{owner}: weight must be ({student.size(0)},) on {student.device}, one per row, got '
            f'{tuple(weight.shape)} on {weight.device}'
        )


def values(owner: str, student: Tensor, teacher: Tensor, labels: Tensor | None) -> None:
    """Refuse values that are not finite and labels out of range; waits for the device."""
    # a sum is finite only if all that is added is; one that overflows is looked at more closely
    finite = math.isfinite((student.detach().sum() + teacher.detach().sum()).item())
    if finite and (labels is None or not bool(_outside(labels, student.size(1)))):
        return
    if bits := int(invalid_values(student, teacher, labels)):
        raise ValueError(explain_values(owner, bits, student.size(1)))


def invalid_values(student: Tensor, teacher: Tensor, target: Tensor | None = None) -> Tensor:
    """What is wrong with the values, without a device synchronisation.

    Args:
        student: Logits (N, C) or (N, C, R).
        teacher: Logits of the same shape.
        target: Class indices (N,), soft labels (N, C), or None for a loss without labels.

    Returns:
        A 0-dim int64 tensor on the student's device: 0, or the sum of 1 (the student's logits are
        not finite), 2 (the teacher's are not) and 4 (a label is outside 0..C-1, a score outside
        0..1).
    """
    bits = STUDENT_NOT_FINITE * _not_finite(student) + TEACHER_NOT_FINITE * _not_finite(teacher)
    if target is not None:
        bits = bits + LABEL_OUT_OF_RANGE * _outside(target, student.size(1)).long()
    return bits


def _outside(target: Tensor, num_classes: int) -> Tensor:
    """Whether a class index is outside 0..C-1, or a score outside 0..1."""
    if target.numel() == 0:
        return target.new_zeros((), dtype=torch.bool)
    lowest, highest = torch.aminmax(target)
    limit = 1 if target.is_floating_point() else num_classes - 1
    return ~((lowest >= 0) & (highest <= limit))  # NaN is outside


def _not_finite(values: Tensor) -> Tensor:
    """1 where a NaN or an infinity is among the values, else 0; both show in the extremes."""
    if values.numel() == 0:
        return values.new_zeros((), dtype=torch.int64)
    lowest, highest = torch.aminmax(values)
    return (~(lowest.isfinite() & highest.isfinite())).long()


def explain_values(owner: str, bits: int, num_classes: int) -> str:
    """Put what :func:`invalid_values` found into a sentence.

    Args:
        owner: Who found it, for instance the name of the loss.
        bits: The value of the tensor.
        num_classes: C.

    Returns:
        The sentence, with the way out; empty for 0.
    """
    found = []
    if bits & STUDENT_NOT_FINITE:
        found.append('the student gave NaN or Inf (lower the learning rate, or clip gradients)')
    if bits & TEACHER_NOT_FINITE:
        found.append('the teacher gave NaN or Inf (check its checkpoint, or run it in float32)')
    if bits & LABEL_OUT_OF_RANGE:
        found.append(
            f'a label is outside 0..{num_classes - 1} (leave out rows that carry the ignore or '
            'background label; compare num_classes with the data set)'
        )
    return f'{owner}: ' + '; '.join(found) if found else ''
