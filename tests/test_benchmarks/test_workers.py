import os

import pytest

from mmlogitkd.benchmarks.workers import Turns, Worker, WorkerError, rounds_of


def echo(turns: Turns, name: str) -> None:
    """Answer what was asked, and with a variable of the process."""
    while True:
        kind = turns.wait()
        if kind == 'fail':
            raise ValueError(f'{name} was told to fail')
        if kind == 'die':
            os._exit(1)
        turns.answer(kind=kind, name=name, variable=os.environ.get('OF_A_WORKER'))


def test_workers_take_turns_and_report_what_went_wrong():
    with (
        Worker('a', echo, ('A',), {'OF_A_WORKER': 'yes'}) as a,
        Worker('b', echo, ('B',)) as b,
    ):
        a.ready(), b.ready()
        answers = rounds_of([a, b], rounds=2, warm_up=1)
        assert [answer['name'] for answer in answers['a']] == ['A', 'A']
        assert answers['a'][0] == dict(kind='step', name='A', variable='yes')
        assert answers['b'][0]['variable'] is None
        assert 'OF_A_WORKER' not in os.environ
        with pytest.raises(WorkerError, match=r'(?s)a failed:.*ValueError: A was told to fail'):
            a.turn('fail')
        with pytest.raises(WorkerError, match='b ended without an answer'):
            b.turn('die')


class Named:
    """What `rounds_of` needs of a worker."""

    def __init__(self, name: str, calls: list[str]) -> None:
        self.name, self.calls = name, calls

    def turn(self) -> dict:
        self.calls.append(self.name)
        return {'number': len(self.calls)}


def test_the_order_turns_and_warm_up_does_not_count():
    calls: list[str] = []
    answers = rounds_of([Named(name, calls) for name in 'abc'], rounds=2, warm_up=1)
    assert ''.join(calls) == 'abcbcacab'
    assert answers == {
        'a': [{'number': 6}, {'number': 8}],
        'b': [{'number': 4}, {'number': 9}],
        'c': [{'number': 5}, {'number': 7}],
    }
