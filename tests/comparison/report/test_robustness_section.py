"""Corrupted images and the diagnosis of the attention in a report."""

import csv
import json
import re

import numpy as np
import pytest
from finished import write_runs

from dacl_mm.comparison.analysis.reading import read_runs
from dacl_mm.comparison.report.page import write_report
from dacl_mm.comparison.report.robustness import (
    read_robustness,
    robustness_figure,
    robustness_tables,
)
from dacl_mm.evaluation.robustness.corruptions import CORRUPTIONS
from dacl_mm.evaluation.robustness.results import as_dict


def rows(accuracy):
    return [{'accuracy/top1': value, 'fer/mean_class_accuracy': value - 10} for value in accuracy]


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('cmp')
    methods = [method for method in write_runs(folder, seeds=2) if method.name in ('softmax', 'dacl')]
    for method, loss in (('softmax', 4.0), ('dacl', 2.0)):
        for seed in (0, 1):
            clean = 60.0 + seed
            found = {
                kind: rows([clean - step * loss * factor for step in (1, 2)])
                for kind, factor in (('contrast', 1), ('crop', 3))
            }
            path = folder / f'runs/held-out/{method}/seed_{seed}/robustness.json'
            path.write_text(json.dumps(as_dict(rows([clean])[0], found, (1, 2))))
    path = folder / 'runs/held-out/dacl/seed_0/result.json'
    result = json.loads(path.read_text())
    region = dict(mean=0.5, control=0.2, more=0.9, p=1e-5)
    result['attention_diagnosis'] = dict(
        images=64,
        input_share=0.25,
        views=dict(same_image=0.8, other_images=0.0, image_share=0.7),
        dimensions=dict(effective=3.2, half=2, index=[1, 0], share=[0.4, 0.2]),
        classes=dict(share=None, by_chance=None, p=None),  # as of an A that never varies
        regions=dict(eyes=region, mouth=region),
        class_means={str(k): np.eye(7, 16)[k].tolist() for k in range(7)},
    )
    path.write_text(json.dumps(result))
    write_report(folder, methods, 'compare', images=False)
    return folder


def test_tables_are_means_over_strengths_kinds_and_seeds(folder):
    (results,) = read_runs(folder, ['softmax', 'center', 'dacl'])
    found = read_robustness(results)
    assert list(found) == ['softmax', 'dacl']
    softmax = robustness_tables(found)['accuracy']['softmax']
    assert softmax['seeds'] == 2 and softmax['clean'] == 60.5
    assert softmax['kinds'] == pytest.approx(dict(contrast=60.5 - 6, crop=60.5 - 18))
    assert softmax['all'] == pytest.approx(60.5 - 12)
    assert softmax['share'] == pytest.approx(100 * 48.5 / 60.5)
    assert robustness_tables(found)['mean-class accuracy']['dacl']['clean'] == 50.5
    assert len(robustness_figure(found).axes) >= 2 and robustness_figure({}) is None


def test_the_csv_has_a_row_for_every_test(folder):
    with open(folder / 'robustness.csv') as file:
        found = list(csv.DictReader(file))
    assert len(found) == 2 * 2 * (1 + 2 * 2)  # methods, seeds; clean, kinds at strengths
    values = {(r['method'], r['seed'], r['kind'], r['strength']): r for r in found}
    assert float(values['softmax', '1', 'clean', '0']['accuracy']) == 61
    last = values['softmax', '1', 'crop', '2']
    assert float(last['accuracy']) == 61 - 24 and float(last['mean_class_accuracy']) == 61 - 34
    assert (last['amount'], last['unit']) == (str(CORRUPTIONS['crop'].amounts[1]), CORRUPTIONS['crop'].unit)


def test_a_comparison_without_such_tests_has_no_csv(tmp_path):
    methods = write_runs(tmp_path, seeds=1)
    (tmp_path / 'robustness.csv').write_text('of an earlier report')
    write_report(tmp_path, methods, 'compare', images=False)
    assert not (tmp_path / 'robustness.csv').exists()


def test_the_page_has_both(folder):
    page = (folder / 'report.html').read_text()
    section = page.split('id="robustness"')[1].split('<h2>')[0]
    assert section.count('<table') == 2 and 'id="robustness"' in page
    cells = re.findall(r'<td>([\d.]+)</td>', section.split('</tbody>')[0].split('dacl</th>')[1])
    assert cells == ['2', '60.50', '57.50', '51.50', '54.50', '90.1']
    assert (folder / 'figures/robustness.svg').is_file() and (folder / 'figures/dependence_1.png').is_file()
    assert 'dacl, first seed: 25.0 % of the variance of A lies between the 64 images' in page
    assert 'covering the eyes moves A by 0.50' in page and 'nan % of the variance between images' in page
    assert 'Corrupted test images' not in page.split('id="robustness"')[0]
