"""What the student's normalised images have to go through before the teacher may see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ['InputConversion', 'input_conversion']


@dataclass(frozen=True)
class Normalisation:
    """What a data preprocessor does to the pixels that the pipeline loads."""

    flip: bool
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None

    @classmethod
    def of(cls, model: nn.Module) -> Normalisation:
        """Read it off ``model.data_preprocessor`` (mmpretrain's and mmdet's kinds)."""
        preprocessor: Any = getattr(model, 'data_preprocessor', None)
        flip = bool(
            getattr(preprocessor, 'to_rgb', False)
            or getattr(preprocessor, '_channel_conversion', False)
        )
        mean, std = (
            tuple(value.flatten().tolist()) if isinstance(value, Tensor) else None
            for value in (getattr(preprocessor, name, None) for name in ('mean', 'std'))
        )
        return cls(flip, mean, std)

    def to_list(self) -> list[Any]:
        """Return it as JSON can hold it."""
        return [self.flip, self.mean and list(self.mean), self.std and list(self.std)]


class InputConversion:
    """An affine map per channel, after an optional reversal of the channels.

    ``convert(x)[:, c] = scale[c] * x[:, c'] + shift[c]``, with ``c'`` the reversed channel where
    the two models disagree about RGB and BGR. Padding is zero after normalisation and stays
    zero: it is padding for the teacher too.
    """

    def __init__(self, student: Normalisation, teacher: Normalisation) -> None:
        self.flip = student.flip != teacher.flip
        channels = len(student.mean or teacher.mean or (0.0,) * 3)
        mean_s, std_s = _filled(student, channels)
        mean_t, std_t = _filled(teacher, channels)
        if self.flip:
            mean_s, std_s = mean_s.flip(0), std_s.flip(0)
        self.scale = (std_s / std_t).float().view(1, -1, 1, 1)
        self.shift = ((mean_s - mean_t) / std_t).float().view(1, -1, 1, 1)

    def to(self, device: torch.device) -> InputConversion:
        """Move the two vectors to ``device``."""
        self.scale, self.shift = self.scale.to(device), self.shift.to(device)
        return self

    def __call__(self, inputs: Tensor, data_samples: Sequence[Any] | None = None) -> Tensor:
        """Convert a batch.

        Args:
            inputs: (N, channels, H, W), as the student sees it.
            data_samples: their ``img_shape`` tells padding from image; without it the whole
                tensor counts as image.
        """
        converted = (inputs.flip(1) if self.flip else inputs) * self.scale + self.shift
        shapes = [
            tuple(shape[:2]) if (shape := getattr(sample, 'img_shape', None)) else None
            for sample in data_samples or ()
        ]
        full = tuple(inputs.shape[-2:])
        if any(shape is not None and shape != full for shape in shapes):
            for image, shape in zip(converted, shapes, strict=True):
                height, width = shape or full
                image[:, height:] = 0
                image[:, :, width:] = 0
        return converted


def _filled(normalisation: Normalisation, channels: int) -> tuple[Tensor, Tensor]:
    """Mean and std in double precision; (0, 1) where nothing is normalised."""
    mean = normalisation.mean or (0.0,) * channels
    std = normalisation.std or (1.0,) * channels
    return torch.tensor(mean, dtype=torch.float64), torch.tensor(std, dtype=torch.float64)


def input_conversion(student: nn.Module, teacher: nn.Module) -> InputConversion | None:
    """Return the conversion between two models' inputs, or None where they agree.

    Raises:
        ValueError: only one of the two normalises in its data preprocessor. The other may do so in
            its pipeline, or not at all; that cannot be seen from the models.
    """
    ours, theirs = Normalisation.of(student), Normalisation.of(teacher)
    if ours == theirs:
        return None
    if (ours.mean is None) != (theirs.mean is None):
        raise ValueError(
            f'the student normalises with mean={ours.mean}, std={ours.std}, the teacher with '
            f'mean={theirs.mean}, std={theirs.std}: one of them has no normalisation in its '
            '`data_preprocessor`. Give both the one that they were trained with (a '
            "`data_preprocessor` in teacher.config), or set teacher.preprocess='same' if the "
            "student's inputs are right for the teacher as they are"
        )
    if ours.mean and theirs.mean and len(ours.mean) != len(theirs.mean):
        raise ValueError(
            f'the student takes {len(ours.mean)} channels, the teacher {len(theirs.mean)}'
        )
    return InputConversion(ours, theirs)
