"""Packaging of mmlogitkd; the configuration of the tools is in ``pyproject.toml``."""

import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent.resolve()
MIM_FOLDERS = ('configs', 'tools')


class BuildWithMimFiles(build_py):
    """Copy what ``mim`` looks for into ``mmlogitkd/.mim`` of a wheel.

    An editable install needs none of it: there ``mim`` looks in the checkout itself, and a second
    way to the same config would make its name ambiguous.
    """

    def run(self) -> None:
        """Build the package, then add the files for ``mim``."""
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib) / 'mmlogitkd' / '.mim'
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        ignored = shutil.ignore_patterns('__pycache__', '*.pyc')
        for name in MIM_FOLDERS:
            shutil.copytree(ROOT / name, target / name, ignore=ignored)
        shutil.copy2(ROOT / 'model-index.yml', target)


def version() -> str:
    """Read the version without importing the package (its dependencies may be missing)."""
    scope: dict[str, str] = {}
    exec((ROOT / 'mmlogitkd' / 'version.py').read_text(encoding='utf-8'), scope)
    return scope['__version__']


def readme() -> str:
    """Return the long description; absent in a tree that is only partly checked out."""
    path = ROOT / 'README.md'
    return path.read_text(encoding='utf-8') if path.exists() else ''


setup(
    name='mmlogitkd',
    version=version(),
    description='Logit distillation for mmpretrain classifiers and mmdet detectors',
    long_description=readme(),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    license_files=['LICENSE'],
    keywords='knowledge distillation, logits, classification, detection, MMEngine',
    classifiers=[
        'Development Status :: 4 - Beta',
        'License :: OSI Approved :: Apache Software License',
        'Operating System :: POSIX',
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
    ],
    packages=find_packages(include=['mmlogitkd', 'mmlogitkd.*']),
    python_requires='>=3.10',
    # Neither line of the ecosystem is named here: both install the same modules, and a user who
    # has one must not be given the other. mmlogitkd.utils checks what is present at run time.
    install_requires=['numpy', 'packaging', 'rich', 'torch>=2.0'],
    extras_require={
        # mmcv with its ops is in neither list: it has to be compiled against the torch that is
        # installed, which an extra cannot do. See docs or `make test`.
        'onedl': [
            'onedl-mmengine>=0.10.12',
            'onedl-mmpretrain>=1.3.6',
            'onedl-mmdetection>=3.5.1',
        ],
        'upstream': [
            'mmengine>=0.10.7',
            'mmpretrain>=1.2.0',
            'mmdet>=3.3.0',
            'setuptools<81',
        ],
        'analysis': ['matplotlib', 'scikit-learn'],
        # openmim, upstream's, would bring old versions of what the others need; use it in an
        # environment of its own.
        'mim': ['onedl-mim>=0.5.1'],
        'test': ['mypy', 'pytest', 'pytest-xdist', 'ruff', 'matplotlib', 'scikit-learn'],
    },
    cmdclass={'build_py': BuildWithMimFiles},
    zip_safe=False,
)
