"""Numbers of one draw: those of the published generator, even, and sharing nothing with others'."""

import numpy as np
import pytest
from scipy import stats

from dacl_mm.models.preprocessors.uniforms import draw_keys, uniforms

WORD = 2**64


def mix(z: int) -> int:
    """SplitMix64's output function in whole numbers, as its authors print it."""
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) % WORD
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) % WORD
    return z ^ (z >> 31)


def plain(draw, stream, count):
    """The numbers of one draw by Python's whole numbers."""
    key = 0
    for word in (*draw, stream):
        key = mix((key + 0x9E3779B97F4A7C15 + word) % WORD)
    return [(mix((key + j * 0x9E3779B97F4A7C15) % WORD) >> 11) / 2**53 for j in range(1, count + 1)]


def grid(*sizes):
    return np.indices(sizes).reshape(4, -1).T.astype(np.uint64)


def test_the_oracle_is_the_published_generator():
    published = (0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F)  # from seed 0
    assert tuple(mix(j * 0x9E3779B97F4A7C15 % WORD) for j in (1, 2, 3)) == published


def test_numbers_are_those_of_whole_number_arithmetic():
    draws = np.array([[0, 0, 0, 0], [1, 2, 3, 4], [2**64 - 1, 59, 287_650, 7]], np.uint64)
    for stream in (0, 3):
        found = uniforms(draw_keys(draws), stream, 5).tolist()
        assert found == [plain(draw, stream, 5) for draw in draws.tolist()]


def test_company_and_order_do_not_matter():
    keys = draw_keys(grid(2, 3, 5, 2))
    order = np.random.default_rng(0).permutation(len(keys))
    numbers = uniforms(keys, 1, 4)
    assert (uniforms(keys[order], 1, 4) == numbers[order]).all()
    assert (uniforms(keys[7:8], 1, 2) == numbers[7:8, :2]).all()


def test_they_are_even():
    numbers = uniforms(draw_keys(grid(1, 2, 20_000, 1)), 0, 3)
    assert numbers.min() >= 0 and numbers.max() < 1
    for column in numbers.T:
        assert stats.kstest(column, 'uniform').pvalue > 1e-3
    cells = (numbers[:, 0] * 5).astype(int) * 5 + (numbers[:, 1] * 5).astype(int)
    assert stats.chisquare(np.bincount(cells, minlength=25)).pvalue > 1e-3  # of one sample: independent


@pytest.mark.parametrize('word', range(5), ids=['seed', 'epoch', 'sample', 'repeat', 'stream'])
def test_neighbors_share_nothing(word):
    draws = np.random.default_rng(0).integers(1000, size=(20_000, 4)).astype(np.uint64)
    other, stream = draws.copy(), 0
    if word < 4:
        other[:, word] += np.uint64(1)
    else:
        stream = 1
    a, b = uniforms(draw_keys(draws), 0, 2), uniforms(draw_keys(other), stream, 2)
    for i, j in ((0, 0), (1, 0), (0, 1)):
        assert stats.pearsonr(a[:, i], b[:, j]).pvalue > 1e-3
    assert not np.intersect1d(a, b).size


def test_no_two_draws_have_one_key():
    keys = draw_keys(grid(10, 10, 200, 10))
    assert len(np.unique(keys)) == len(keys)
