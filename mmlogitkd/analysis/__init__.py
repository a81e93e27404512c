"""Studies that compare trainings: runs, results, tables and figures."""

from .environment import record_environment
from .figures import plot_blocks
from .launcher import launch
from .metrics import Metric
from .plan import plan
from .processes import threads_per_run
from .progress import StudyProgress
from .results import Result, RunFailedError, kept_results
from .rows import Block, Row, summarise
from .runs import Group, Run, runs_of
from .state import State
from .study import TEACHER, Pair, Study, load_study, slug
from .tables import markdown_table, rich_table, write_csv

__all__ = [
    'TEACHER',
    'Block',
    'Group',
    'Metric',
    'Pair',
    'Result',
    'Row',
    'Run',
    'RunFailedError',
    'State',
    'Study',
    'StudyProgress',
    'kept_results',
    'launch',
    'load_study',
    'markdown_table',
    'plan',
    'plot_blocks',
    'record_environment',
    'rich_table',
    'runs_of',
    'slug',
    'summarise',
    'threads_per_run',
    'write_csv',
]
