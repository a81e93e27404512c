"""Find a Python that is new enough and hand over to :mod:`scripts.setup_env.main`.

This file must be readable by any Python 3, so that an old one can say what is missing.
"""

import os
import subprocess
import sys

OLDEST = (3, 10)
CANDIDATES = ('python3.11', 'python3.12', 'python3.13', 'python3.10', 'python3')
MISSING = """\
mmlogitkd needs Python {0}.{1} or newer; this is {2}, and none of {3} on PATH will do.
Install one (Debian, Ubuntu: apt install python3 python3-venv python3-dev) and, where it is not on
PATH, name it: make demo PYTHON=/path/to/python3"""


def is_new_enough(python):
    """Whether the command ``python`` exists, runs and is new enough."""
    check = 'import sys; sys.exit(sys.version_info < %r)' % (OLDEST,)
    try:
        return subprocess.call([python, '-c', check], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def hand_over():
    """Run the set-up here, or in the first Python on PATH that is new enough."""
    if sys.version_info >= OLDEST:
        from scripts.setup_env.main import main

        sys.exit(main(sys.argv[1:]))
    for python in CANDIDATES:
        if is_new_enough(python):
            os.execvp(python, [python, '-m', 'scripts.setup_env', *sys.argv[1:]])
    sys.exit(MISSING.format(*OLDEST, sys.version.split()[0], ', '.join(CANDIDATES)))


if __name__ == '__main__':
    hand_over()
