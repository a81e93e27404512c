"""Distil on generated images: one teacher, then the student alone and with four methods.

Trains everything on two cores in a few minutes and prints a table; the second call only prints.
Takes the options of tools/study.py, for example ``--fresh`` or ``--workers 4``.

Example:
    python tools/demo.py
"""

import sys
from pathlib import Path

import study

if __name__ == '__main__':
    path = Path(__file__).resolve().parents[1] / 'configs' / 'demo' / 'study.yml'
    sys.exit(study.main([str(path), *sys.argv[1:]]))
