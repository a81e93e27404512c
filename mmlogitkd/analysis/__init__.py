"""Studies that compare trainings: runs, results, tables and figures."""

from .figures import plot_rows
from .launcher import RunFailedError, launch
from .metrics import Metric
from .progress import StudyProgress
from .study import Result, Run, Study, load_study, plan
from .tables import Row, markdown_table, rich_table, summarise

__all__ = [
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
