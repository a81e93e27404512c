"""Layers of mmdet's heads that class scores do not need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor, nn

__all__ = ['BOX_BRANCHES', 'drop_box_branch']

# By the first class that a head is derived from. VFNet's scores depend on its first boxes, TOOD
# decodes its boxes within the head: the one can spare its refinement, the other nothing.
BOX_BRANCHES: dict[str, tuple[str, ...]] = dict(
    RetinaHead=('reg_convs', 'retina_reg'),
    RetinaSepBNHead=('reg_convs', 'retina_reg'),
    VFNetHead=('vfnet_reg_refine_dconv', 'vfnet_reg_refine'),
    TOODHead=(),
    RTMDetHead=('reg_convs', 'rtm_reg'),
    ATSSHead=('reg_convs', 'atss_reg', 'atss_centerness'),  # PAAHead
    GFLHead=('reg_convs', 'gfl_reg'),
    FCOSHead=('reg_convs', 'conv_reg', 'conv_centerness'),  # NASFCOSHead
    YOLOXHead=('multi_level_reg_convs', 'multi_level_conv_reg', 'multi_level_conv_obj'),
    ConvFCBBoxHead=('reg_convs', 'reg_fcs', 'fc_reg'),
    BBoxHead=('fc_reg',),
)


class _Nothing(nn.Module):
    """Stands for a layer whose output is of no use: one zero, of as many dimensions."""

    def forward(self, x: Tensor, *args: Any) -> Tensor:
        return x.new_zeros((1,) * x.dim())


def drop_box_branch(model: nn.Module) -> tuple[int, Callable[[], None]]:
    """Put layers that cost nothing in the place of the box branch of a detector's heads.

    Whether the class scores stay the same is for the caller to see: a head may be derived from one
    of :data:`BOX_BRANCHES` and use its boxes in another way.

    Args:
        model: any model; only heads of known kinds are changed.

    Returns:
        How many layers were replaced, and what undoes it.
    """
    places: list[tuple[nn.Module, str, nn.Module]] = []
    count = 0
    for head in _heads(model):
        bases = (base.__name__ for base in type(head).__mro__)
        for name in next((BOX_BRANCHES[base] for base in bases if base in BOX_BRANCHES), ()):
            branch = getattr(head, name, None)
            if isinstance(branch, nn.Module):
                places.append((head, name, branch))
                count += sum(1 for _ in _layers(branch))
    for head, name, branch in places:
        setattr(head, name, _emptied(branch).eval())

    def undo() -> None:
        for head, name, branch in places:
            setattr(head, name, branch)

    return count, undo


def _heads(model: Any) -> Iterator[nn.Module]:
    """The heads that give class scores: the dense one, or those of the boxes."""
    for owner in (model, getattr(model, 'roi_head', None)):
        head = getattr(owner, 'bbox_head', None)
        if isinstance(head, nn.Module):
            yield from head if isinstance(head, nn.ModuleList) else [head]


def _layers(branch: nn.Module) -> Iterator[nn.Module]:
    """What stands in lists and sequences, however deep."""
    if type(branch) in (nn.ModuleList, nn.Sequential):
        for part in branch.children():
            yield from _layers(part)
    else:
        yield branch


def _emptied(branch: nn.Module) -> nn.Module:
    """The same lists and sequences of layers that do nothing."""
    if isinstance(branch, nn.Sequential) and type(branch) is nn.Sequential:
        return nn.Sequential(*(_emptied(part) for part in branch))
    if isinstance(branch, nn.ModuleList) and type(branch) is nn.ModuleList:
        return nn.ModuleList(_emptied(part) for part in branch)
    return _Nothing()
