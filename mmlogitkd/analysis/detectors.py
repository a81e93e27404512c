"""Let mmdet's detectors find boxes in the images of a config's test set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose
from mmengine.registry import DATASETS, DefaultScope
from mmengine.runner import load_checkpoint

from mmlogitkd.teacher.build import build_model
from mmlogitkd.teacher.classes import classes_of_checkpoint
from mmlogitkd.utils.safe_types import register_safe_types

from .boxes import Boxes, truth_of

__all__ = ['Detector', 'TestImages']


class TestImages:
    """The images of a config's ``test_dataloader``.

    Args:
        config: Path of the config.

    Attributes:
        classes: Names of the classes.
    """

    __test__ = False  # pytest takes the name for a test's

    def __init__(self, config: str | Path) -> None:
        loaded = Config.fromfile(config)
        self._scope = loaded.get('default_scope')
        with DefaultScope.overwrite_default_scope(self._scope):
            self._dataset = DATASETS.build(deepcopy(_dataset(loaded, config)))
            self._load = Compose(_dataset(loaded, config).pipeline[:1])
        self.classes: tuple[str, ...] = tuple(self._dataset.metainfo['classes'])

    def choose(self, count: int) -> list[int]:
        """Return ``count`` indices, evenly spaced over the images with objects, or all of these.

        Raises:
            ValueError: No image has objects.
        """
        infos = map(self._dataset.get_data_info, range(len(self._dataset)))
        filled = [index for index, info in enumerate(infos) if len(truth_of(info).objects)]
        if not filled:
            raise ValueError('no image of the test set has annotated objects')
        count = min(count, len(filled))
        return [filled[(2 * place + 1) * len(filled) // (2 * count)] for place in range(count)]

    def info(self, index: int) -> dict[str, Any]:
        """Return what the dataset says of an image: its path and its annotations.

        Raises:
            IndexError: There is no such image.
        """
        if not 0 <= index < len(self._dataset):
            raise IndexError(
                f'no image {index}: the test set has images 0 to {len(self._dataset) - 1}'
            )
        return self._dataset.get_data_info(index)

    def pixels(self, info: Mapping[str, Any]) -> np.ndarray:
        """Return the image, (H, W, 3), RGB, as the pipeline's first step loads it."""
        with DefaultScope.overwrite_default_scope(self._scope):
            loaded = self._load(deepcopy(dict(info)))
        if 'img' not in loaded:
            raise ValueError("the first transform of the test pipeline must load 'img'")
        return np.ascontiguousarray(loaded['img'][..., ::-1]).clip(0, 255).astype(np.uint8)


class Detector:
    """A detector with the test pipeline of its own config.

    Only the config's ``model`` is built: hooks, and so distillation, play no part.

    Args:
        config: Path of the config.
        checkpoint: Path or URL of its checkpoint, which must fit tensor by tensor.
        classes: Names of the classes that its labels must mean.
        device: Where to run.

    Raises:
        ValueError: The checkpoint does not fit, or was trained on other classes.
    """

    def __init__(
        self,
        config: str | Path,
        checkpoint: str | Path,
        classes: Sequence[str],
        device: str | torch.device = 'cpu',
    ) -> None:
        register_safe_types()
        loaded = Config.fromfile(config)
        self._scope = loaded.get('default_scope')
        self._pipeline = _dataset(loaded, config).pipeline
        self._classes = tuple(classes)
        self._model: Any = build_model(loaded)
        try:
            content = load_checkpoint(self._model, str(checkpoint), 'cpu', strict=True)
        except RuntimeError as error:
            raise ValueError(f'{checkpoint} does not fit {config}: {error}') from error
        trained = classes_of_checkpoint(content) or self._classes
        if trained != self._classes:
            raise ValueError(
                f'{checkpoint} was trained on the classes {trained}, '
                f'the images have {self._classes}'
            )
        self._model.to(device).eval()

    @torch.no_grad()
    def find(self, info: Mapping[str, Any], score: float) -> Boxes:
        """Return the boxes of an image that score at least ``score``, the best first."""
        from mmdet.structures.bbox import get_box_tensor

        with DefaultScope.overwrite_default_scope(self._scope):
            data = Compose(self._pipeline)(deepcopy(dict(info)))
            batch = dict(inputs=[data['inputs']], data_samples=[data['data_samples']])
            (sample,) = self._model.test_step(batch)
        found = sample.pred_instances
        found = found[found.scores >= score]
        found = found[found.scores.argsort(descending=True)].cpu()
        if len(found) and int(found.labels.max()) >= len(self._classes):
            raise ValueError(
                f'a box has label {int(found.labels.max())}, and there are only '
                f'{len(self._classes)} classes: {self._classes}'
            )
        corners = get_box_tensor(found.bboxes).double().numpy()
        return Boxes(corners, found.labels.numpy(), found.scores.double().numpy())


def _dataset(config: Config, path: str | Path) -> ConfigDict:
    """Return the config's test set, without what is wrapped around it."""
    dataset = config.get('test_dataloader', {}).get('dataset')
    while dataset is not None and 'dataset' in dataset:
        dataset = dataset.dataset
    if dataset is None or 'pipeline' not in dataset:
        raise ValueError(f'{path} has no test_dataloader with one dataset and its pipeline')
    return dataset
