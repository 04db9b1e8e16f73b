"""How often one address may ask."""

import pytest

from dacl_mm.serving.rate import ADDRESSES, RateLimit


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_a_seconds_worth_at_once_then_one_by_one(clock):
    limit = RateLimit(4, clock)
    assert [limit.take('10.0.0.1') for _ in range(5)] == [0, 0, 0, 0, 0.25]
    clock.now = 0.25
    assert [limit.take('10.0.0.1') for _ in range(2)] == [0, 0.25]
    clock.now = 1000
    assert [limit.take('10.0.0.1') > 0 for _ in range(5)] == [False] * 4 + [True]


def test_a_slow_rate_still_allows_one(clock):
    limit = RateLimit(0.5, clock)
    assert [limit.take('10.0.0.1') for _ in range(2)] == [0, 2]


@pytest.mark.parametrize(
    ('one', 'other', 'same'),
    [
        ('10.0.0.1', '10.0.0.2', False),
        ('2001:db8::1', '2001:db8::ffff:2', True),
        ('2001:db8::1', '2001:db8:0:1::1', False),
        ('::ffff:10.0.0.1', '::ffff:10.0.0.2', False),
        ('a name', 'another', False),
    ],
)
def test_what_counts_as_one_address(clock, one, other, same):
    limit = RateLimit(1, clock)
    limit.take(one)
    assert (limit.take(other) > 0) == same


def test_addresses_are_forgotten_not_hoarded(clock):
    limit = RateLimit(1, clock)
    for i in range(3 * ADDRESSES):
        limit.take(f'10.{i >> 16}.{i >> 8 & 255}.{i & 255}')
    assert len(vars(limit)['_buckets']) == ADDRESSES
