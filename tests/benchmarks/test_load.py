"""Clients of the load test, against a server that needs no network."""

import pytest
from answering import running
from serving_pictures import picture

from dacl_mm.benchmarks.load import Load, cameras, memory, photographs
from dacl_mm.errors import UserError
from dacl_mm.serving.limits import Limits


def test_percentiles_and_rate():
    load = Load(2.0, [i / 1000 for i in reversed(range(100))])
    assert load.rate == 50 and [load.percentile(p) for p in (50, 95, 99)] == [0.05, 0.095, 0.099]


def test_cameras_and_senders_are_counted():
    with running(Limits(rate=1e6, fps=1000)) as address:
        one = cameras(address, [picture('JPEG')], 1, 0.4)
        crowd = cameras(address, [picture('JPEG')], 3, 0.4, fps=20, query='faces=crop&smooth=0')
        posted = photographs(address, [picture('JPEG'), b'no image'], 2, 0.4)
        assert memory(address) > 1e7
    assert one.sent == len(one.latencies) > 0 == one.faults
    assert 3 <= crowd.sent <= 27 and 0 < len(crowd.latencies) <= crowd.sent
    assert posted.sent == posted.faults + len(posted.latencies) and posted.faults > 0 < len(posted.latencies)
    assert all(0 < seconds < 30 for load in (one, crowd, posted) for seconds in load.latencies)


@pytest.mark.parametrize(
    ('address', 'clients', 'seconds'),
    [('http://example.org', 1, 1), ('http://127.0.0.1:1', 100, 1), ('http://127.0.0.1:1', 1, 10_000)],
)
def test_load_is_bounded_and_stays_on_this_machine(address, clients, seconds):
    for send in (cameras, photographs):
        with pytest.raises(UserError, match=r'on this machine|at most'):
            send(address, [b''], clients, seconds)
