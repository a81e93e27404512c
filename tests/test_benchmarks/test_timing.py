import pytest

from mmlogitkd.benchmarks import interleaved, ratio


def test_every_work_runs_once_a_round_in_a_turning_order():
    calls = []
    works = {name: (lambda name=name: calls.append(name)) for name in 'abc'}
    times = interleaved(works, rounds=3, warm_up=0)
    assert calls[:3] == ['a', 'b', 'c']  # how long one call takes
    assert calls[3:] == ['a', 'b', 'c', 'b', 'c', 'a', 'c', 'a', 'b']
    assert {name: len(seconds) for name, seconds in times.items()} == {'a': 3, 'b': 3, 'c': 3}


def test_short_work_is_repeated_and_counted_per_call():
    calls = []
    (seconds,) = interleaved(
        {'a': lambda: calls.append(0)}, rounds=1, warm_up=0, least_seconds=0.005
    )['a']
    assert len(calls) > 10
    assert seconds * (len(calls) - 1) < 5  # per call, not per measurement


def test_ratio_is_taken_within_the_rounds():
    times = {'a': [2.0, 20.0, 3.0], 'b': [1.0, 10.0, 1.0]}
    assert ratio(times, 'a', 'b') == 2.0


@pytest.mark.parametrize(('works', 'rounds'), [({}, 3), ({'a': list}, 0)])
def test_nothing_to_time(works, rounds):
    with pytest.raises(ValueError, match='at least one'):
        interleaved(works, rounds=rounds)
