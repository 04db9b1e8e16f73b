"""Methods that test what another has learned."""

import json

import pytest
from mmengine.config import Config

from dacl_mm.comparison.heads.fit import check_method
from dacl_mm.comparison.plan.methods import Method, read_methods
from dacl_mm.comparison.plan.runs import Run, plan_runs
from dacl_mm.comparison.run.job import taken_over
from dacl_mm.comparison.run.scheduler import execute
from dacl_mm.errors import ComparisonError, UserError

BOTH = "'model.head.predict_by': 'both'"
RATIO = f"ratio=dict(model='_base_/models/ratio_r18.py', options={{'model.head.tau': 0.5, {BOTH}}}),"
CLASSIFIER = "plain=dict(weights_of='ratio', options={'model.head.predict_by': 'classifier'}),"


def write(folder, methods):
    path = folder / 'set.py'
    path.write_text(f"_base_ = 'dacl_mm::softmax_r18_synthetic.py'\nmethods = dict({methods})\n")
    return [str(path)]


def test_it_has_the_other_ones_model_and_options_and_its_own(tmp_path):
    ratio, plain = read_methods(write(tmp_path, RATIO + CLASSIFIER))
    assert (ratio.weights_of, plain.weights_of) == (None, 'ratio')
    assert plain.cfg.model.head == {**ratio.cfg.model.head, 'predict_by': 'classifier'}
    (_, _), (run, cfg) = plan_runs([ratio, plain], 1, 'held-out', tmp_path)
    assert run == Run(folder=run.folder, **cfg.comparison)
    assert run.trained == tmp_path / 'runs/held-out/ratio/seed_0'


@pytest.mark.parametrize(
    'entry',
    [
        "both=dict(options={'model.head.predict_by': 'both'})",
        "both=dict(weights_of='ratoi')",
        "a=dict(weights_of='ratio'), both=dict(weights_of='a')",
        "both=dict(weights_of='ratio', model='_base_/models/ratio_r18.py')",
    ],
)
def test_weights_of_no_training_are_refused(tmp_path, entry):
    with pytest.raises(UserError, match=r'method both lacks the key model, .* weights_of'):
        read_methods(write(tmp_path, RATIO + entry))


def test_what_the_selected_weights_leave_out_is_told_before_training(tmp_path):
    ratio = RATIO.replace('both', 'classifier')
    with pytest.raises(
        UserError, match=r'both needs head\.norm\.\w+, which the selected weights of ratio do'
    ):
        read_methods(write(tmp_path, ratio + f"both=dict(weights_of='ratio', options={{{BOTH}}})"))


def test_an_adjustment_that_could_not_be_chosen_is_told_before_training(tmp_path):
    methods = read_methods(
        write(tmp_path, RATIO + "a=dict(weights_of='ratio', options=dict(logit_adjustment='x'))")
    )
    with pytest.raises(UserError, match='logit_adjustment must be True'):
        plan_runs(methods, 1, 'held-out', tmp_path)


def test_the_trained_one_takes_part(tmp_path):
    paths = write(tmp_path, RATIO + "both=dict(weights_of='ratio')")
    with pytest.raises(UserError, match='both tests the weights of ratio: --methods needs that one too'):
        read_methods(paths, names=['both'])
    with pytest.raises(UserError, match='both trains no head'):
        check_method(Method('both', Config(), 'ratio'))


class Slots:
    """Runs end one by one, the last started first; each leaves a result."""

    capacity = 2

    def __init__(self):
        self.running, self.started = [], []

    def start(self, run):
        assert run.weights_of is None or (run.trained / 'result.json').is_file()
        self.running.append(run)
        self.started.append(run.name)

    def ended(self):
        run = self.running.pop()
        run.folder.mkdir(parents=True)
        result = dict(metrics={'accuracy/top1': 50.0}, selected_epoch=1)
        (run.folder / 'result.json').write_text(json.dumps(result))
        return [(run, 0)]

    def stop(self):
        pass


def test_it_waits_for_the_weights_and_nobody_waits_for_it(tmp_path, capsys):
    runs = [
        Run(name, 0, 'held-out', tmp_path / name / 'seed_0', source)
        for name, source in (('early', 'b'), ('a', None), ('of_a', 'a'), ('b', None))
    ]
    slots = Slots()
    execute(runs, slots, poll_seconds=0)
    assert slots.started == ['a seed 0', 'b seed 0', 'early seed 0', 'of_a seed 0']


def test_a_source_without_weights_is_named(tmp_path):
    run = Run('both', 0, 'held-out', tmp_path / 'both' / 'seed_0', 'ratio')
    with pytest.raises(ComparisonError, match='both seed 0 tests the weights of ratio, which left none'):
        taken_over(run)
