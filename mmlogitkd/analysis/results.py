"""What the runs of a study have measured, kept as files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from .metrics import Metric
from .runs import Run

__all__ = ['Result', 'RunFailedError', 'check_metrics', 'kept_results']

# What a validation's line of the log holds besides metrics.
_BOOKKEEPING = {'step', 'epoch', 'iter', 'time', 'data_time', 'memory'}


class RunFailedError(RuntimeError):
    """A run ended with an error or without what the study measures."""


@dataclass(frozen=True)
class Result:
    """What a run has measured.

    Attributes:
        name: The student's name, or ``'teacher'``.
        seed: Seed of the training, None for a test.
        digest: Digest of the run.
        validations: What MMEngine logged of each validation: the step (epoch or iteration) and the
            metrics, None where one had nothing to measure. The last one counts (not the best one,
            which the test set would choose). A test has one, at step 0.
        seconds: Wall-clock duration.
        command: The command that ran.
    """

    name: str
    seed: int | None
    digest: str
    validations: list[dict[str, float | None]]
    seconds: float
    command: list[str]

    @classmethod
    def of(cls, run: Run) -> Result | None:
        """Return the kept result of a run, None where there is none or only an outdated one."""
        try:
            result = cls(**json.loads(run.result.read_text(encoding='utf-8')))
        except (FileNotFoundError, json.JSONDecodeError, TypeError):
            return None
        return result if result.digest == run.digest else None

    def save(self, path: Path) -> None:
        """Write it whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix('.partial')
        partial.write_text(json.dumps(asdict(self), indent=1) + '\n', encoding='utf-8')
        partial.replace(path)


def kept_results(runs: Sequence[Run], metrics: Sequence[Metric]) -> dict[Run, Result]:
    """Return what is there of earlier calls.

    Raises:
        RunFailedError: One of the results lacks a metric.
    """
    results = {run: result for run in runs if (result := Result.of(run))}
    for run, result in results.items():
        check_metrics(run, result, metrics)
    return results


def check_metrics(run: Run, result: Result, metrics: Sequence[Metric]) -> None:
    """Tell a misspelt metric; no metric at all means that a detector has found nothing.

    Raises:
        RunFailedError: The log has metrics, but not these.
    """
    known = set(result.validations[-1]) - _BOOKKEEPING
    unknown = [metric.key for metric in metrics if metric.key not in known]
    if known and unknown:
        raise RunFailedError(
            f'{run.label}: no {unknown} in its log, which has {sorted(known)}; '
            'change the metrics of the study file, nothing has to be trained again'
        )
