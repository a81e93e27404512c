"""Let torchvision import where its compiled part cannot load.

The set-up copies this file into the environment that it builds, and only where it is needed: a
torchvision that was compiled for CUDA, next to a torch that was not. torchvision then only lacks
the declarations of the operators that it gives meta kernels at import time. Calling one of them
still fails, as it should.
"""

import importlib.abc
import importlib.util
import sys
from pathlib import Path

SCHEMAS = tuple(
    f'{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor' for name in ('nms', 'qnms')
)
_keep: list[object] = []  # a torch.library.Library withdraws its declarations when it is collected


class TorchvisionSchemas(importlib.abc.MetaPathFinder):
    """Declare the operators when torchvision is about to be imported, and leave finding to others.

    Declaring at interpreter start would import torch into every process.
    """

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        """Return nothing; act once, on torchvision itself."""
        if fullname == 'torchvision':
            sys.meta_path.remove(self)
            spec = importlib.util.find_spec(fullname)
            if spec and spec.origin and not _extension_loads(Path(spec.origin).parent):
                import torch

                library = torch.library.Library('torchvision', 'DEF')
                for schema in SCHEMAS:
                    library.define(schema)
                _keep.append(library)


def _extension_loads(folder: Path) -> bool:
    """Whether the compiled part loads; then it declares the operators itself."""
    import torch

    for extension in folder.glob('_C.*'):
        try:
            torch.ops.load_library(str(extension))
        except OSError:
            continue
        return True
    return False


sys.meta_path.insert(0, TorchvisionSchemas())
