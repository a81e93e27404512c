"""How a loss that wraps another one builds it."""

from typing import Any

from mmlogitkd.registry import MODELS

from .base import LogitLoss


def build_base(owner: str, base: dict[str, Any] | LogitLoss) -> LogitLoss:
    """Build the wrapped loss.

    Args:
        owner: Name of the wrapping loss.
        base: A config with a ``type`` from the registry, or the loss itself.

    Returns:
        A loss on plain (N, C) logits whose reduction is left to its owner.

    Raises:
        ValueError: It is no distillation loss, asks for regions, or sets a reduction of its own.
    """
    loss = MODELS.build(base) if isinstance(base, dict) else base
    if not isinstance(loss, LogitLoss):
        raise ValueError(
            f'{owner}: base must be a distillation loss (a LogitLoss) or its config, got {base!r}; '
            "for instance dict(type='mmlogitkd.KDLoss')"
        )
    if loss.scales is not None:
        raise ValueError(
            f'{owner}: its base {type(loss).__name__} works on regions; make that one the outer '
            'loss, and put the other one into it'
        )
    if loss.reduction != 'mean':
        raise ValueError(
            f'{owner}: its base sets reduction={loss.reduction!r}, which would have no effect; '
            f'set it on {owner}'
        )
    return loss
