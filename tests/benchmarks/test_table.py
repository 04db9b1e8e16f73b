import json

import pytest

from dacl_mm.benchmarks.table import Row, ratio


def test_share_of_the_best_is_one_at_most_for_times_and_for_rates():
    assert Row('step', [4, 2, 5], 's', best=1.0).share == 0.25
    assert Row('data', [30, 20, 40], 'images/s', best=120.0).share == 0.25
    assert Row('ratio', [1.0]).share is None


def test_ratios_are_taken_round_by_round():
    row = ratio('a over b', Row('a', [1, 4, 9]), Row('b', [2, 2, 3]))
    assert row.values == [0.5, 2, 3] and row.median == 2
    with pytest.raises(ValueError):
        ratio('a over b', Row('a', [1, 2]), Row('b', [1]))


def test_a_row_says_its_numbers_in_words_and_in_json():
    row = Row('step: dacl', [0.1, 0.2, 0.3, 0.4, 0.5], 's', 'arithmetic', best=0.15)
    for text in ('step: dacl', '0.3', '0.2 to 0.4', ' s ', 'arithmetic', '0.15', '50 %'):
        assert text in str(row)
    summary = json.loads(json.dumps(row.summary()))
    assert summary['median'] == 0.3 and summary['quartiles'] == [0.2, 0.4]
    assert summary['values'] == [0.1, 0.2, 0.3, 0.4, 0.5] and summary['share'] == pytest.approx(0.5)
    assert Row('once', [7]).summary()['quartiles'] == [7, 7]
