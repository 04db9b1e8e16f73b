"""Every config file builds its model, its pipelines and its hooks."""

from itertools import product

import mmpretrain
import pytest
from conftest import REPO
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain.registry import HOOKS, METRICS, MODELS, TRANSFORMS, VISUALIZERS

from dacl_mm.comparison.plan.methods import differences, read_methods

CONFIGS = sorted((REPO / 'configs').glob('*.py'))
ABLATION = REPO / 'configs' / 'compare' / 'recipe_ablation.py'
NOISE = REPO / 'configs' / 'compare' / 'label_noise.py'
SETS = sorted({*(REPO / 'configs' / 'compare').glob('*.py')} - {ABLATION, NOISE})


@pytest.mark.parametrize('path', CONFIGS, ids=lambda p: p.stem)
def test_config_builds(path, tmp_path):
    cfg = Config.fromfile(path)
    init_default_scope('mmpretrain')
    VISUALIZERS.build({**cfg.visualizer, 'name': path.stem, 'save_dir': str(tmp_path)})
    if 'synthetic' not in path.stem and cfg.model.head.get('attention', {}).get('type') == 'DACLAttention':
        cfg.model.head.attention.setdefault('hidden_channels', (8,))  # 92 M parameters less
    model = MODELS.build({**cfg.model, 'data_preprocessor': cfg.data_preprocessor})
    assert model.head.num_classes == (8 if 'affectnet8' in path.stem else 7)
    for hook in [*cfg.default_hooks.values(), *cfg.custom_hooks]:
        assert HOOKS.build(hook)
    for metric in [*cfg.val_evaluator, *cfg.test_evaluator]:
        assert METRICS.build(metric)
    for part in ('train', 'val', 'test'):
        for transform in cfg[f'{part}_dataloader'].dataset.pipeline:
            assert TRANSFORMS.build(transform)


@pytest.mark.parametrize('path', [*CONFIGS, *SETS], ids=lambda p: p.stem)
def test_networks_of_grey_images_read_grey_and_no_others(path):
    cfg = Config.fromfile(path)
    for part in ('train', 'val', 'test'):
        dataset = cfg[f'{part}_dataloader'].dataset
        assert dataset.pipeline[0].get('grey', False) == (dataset.type in ('FER2013', 'FERPlus'))


@pytest.mark.parametrize('path', SETS, ids=lambda p: p.stem)
def test_comparison_set_builds(path):
    init_default_scope('mmpretrain')
    methods = read_methods([str(path)])
    # The baseline; of heads on frozen features the control.
    assert methods[0].name == ('ratio_fixed' if path.stem.endswith('gate') else 'softmax')
    methods.sort(key=lambda method: method.name != 'softmax')
    assert methods[0].name == 'softmax' and len(methods) >= 2
    by_name = {method.name: method for method in methods}
    for name, keys in differences(methods).items():  # the model alone, what its centres need, and its test
        own = ['logit_adjustment'] if by_name[name].cfg.get('logit_adjustment') else []
        if name == 'scn' and path.stem.startswith('ferplus_48px'):  # hard labels, one an image
            own = ['data_preprocessor', 'train_dataloader']
        assert keys == (['optim_wrapper'] if name.startswith(('ratio', 'precision')) else own)
    for method in methods:
        attention = method.cfg.model.head.get('attention', {})
        if attention.get('type') in ('DACLAttention', 'ShuffledAttention'):
            attention.hidden_channels = (8,)
        model = MODELS.build({**method.cfg.model, 'data_preprocessor': method.cfg.data_preprocessor})
        assert model.head.num_classes == 7
        for hook in method.cfg.custom_hooks:
            assert HOOKS.build(hook)
        if 'alpha' in method.name:
            loss = model.head.loss_center
            assert f'lambda{loss.loss_weight}_alpha{loss.alpha}' in method.name


def test_the_ablation_changes_one_key_each():
    init_default_scope('mmpretrain')
    recipe, *others = read_methods([str(ABLATION)])
    assert recipe.name == 'recipe' and not differences([recipe])['recipe']
    flat = [dict(leaves(method.cfg.to_dict())) for method in (recipe, *others)]
    changed = {
        method.name: {key for key in its.keys() | flat[0].keys() if its.get(key) != flat[0].get(key)}
        for method, its in zip(others, flat[1:])
    }
    bare, without = changed.pop('bare'), {name: keys for name, keys in changed.items() if name[:3] == 'no_'}
    assert len(without) == 11 and bare == set().union(*without.values())
    for name, keys in changed.items():
        whole = {'no_mixup': 2, 'no_decay_rule': 2}  # dicts that are taken out
        assert len(keys) == whole.get(name, 1), (name, keys)
    for method in others:
        MODELS.build({**method.cfg.model, 'data_preprocessor': method.cfg.data_preprocessor})


def test_methods_of_one_noise_learn_the_same_labels():
    init_default_scope('mmpretrain')
    methods = read_methods([str(NOISE)])
    noise = {}
    for method in methods:
        dataset = method.cfg.train_dataloader.dataset
        kind = method.name.partition('_')[2]
        noise.setdefault(kind, []).append((dataset.get('label_noise'), dataset.label_mode))
        assert method.cfg.data_preprocessor.batch_augments is None
        for part in (method.cfg.val_dataloader, method.cfg.test_dataloader):
            assert 'label_noise' not in part.dataset
        if method.cfg.model.head.get('attention'):
            method.cfg.model.head.attention.hidden_channels = (8,)
        MODELS.build({**method.cfg.model, 'data_preprocessor': method.cfg.data_preprocessor})
    assert list(noise) == ['', '10', '20', '30', 'votes'] and {len(same) for same in noise.values()} == {3}
    for kind, (first, *others) in noise.items():
        assert others == [first, first]
        assert (first[0] or {}).get('share', 0) == (int(kind) / 100 if kind.isdigit() else 0)


def leaves(value, path=''):
    """Yield each plain value of a config and its key."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from leaves(item, f'{path}.{key}')
    elif value is not None:
        yield path, value


def test_hub_knows_every_config():
    names = {p.stem for p in CONFIGS if not p.stem.endswith('_paper')}
    methods = ('dacl', 'center', 'softmax')
    sets = ('rafdb', 'affectnet7', 'affectnet8', 'fer2013', 'ferplus', 'folder', 'synthetic')
    recipes = {f'{m}_{b}_{d}' for m, b, d in product(methods[::2], ('r18s', 'r18h'), ('ferplus', 'fer2013'))}
    recipes |= {f'{m}_r18_{d}_recipe' for m, d in product(methods[::2], sets[:3])}
    recipes |= {'softmax_r18h_ferplus_publictest', 'fer_r18h'}
    assert names == {f'{m}_r18_{d}' for m, d in product(methods, sets)} | recipes
    assert names <= set(mmpretrain.list_models('*_r18*'))
    assert mmpretrain.get_model('dacl_r18_synthetic').head.num_classes == 7


def test_only_paper_configs_select_on_the_test_split():
    for path in CONFIGS:
        cfg = Config.fromfile(path)
        paper = path.stem.endswith('_paper')
        assert (cfg.val_dataloader.dataset.split == 'test') == paper
        assert (cfg.get('protocol') == 'paper protocol') == paper
