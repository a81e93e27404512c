"""Studies that compare trainings: runs, results, tables and figures."""

from .figures import plot_rows
from .launcher import RunFailedError, launch
from .metrics import Metric
from .progress import StudyProgress
from .study import TEACHER, Result, Run, Study, load_study, plan
from .tables import Row, markdown_table, rich_table, summarise

__all__ = [
    'TEACHER',
    'Metric',
    'Result',
    'Row',
    'Run',
    'RunFailedError',
    'Study',
    'StudyProgress',
    'launch',
    'load_study',
    'markdown_table',
    'plan',
    'plot_rows',
    'rich_table',
    'summarise',
]
