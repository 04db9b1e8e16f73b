"""What a config or an option names that nothing reads, takes or knows."""

import mmpretrain
import pytest
from conftest import REPO
from mmengine.config import Config

from dacl_mm.comparison.plan.methods import read_methods
from dacl_mm.config import load_config, set_options
from dacl_mm.errors import UserError

SYNTHETIC = 'dacl_r18_synthetic'
PARTS = {
    'optim_wraper.optimizer.lr': (0.1, 'unknown key; did you mean optim_wrapper?'),
    'train_cfg.max_epoch': (1, 'EpochBasedTrainLoop has no argument max_epoch; did you mean max_epochs?'),
    'val_cfg.fp61': (True, 'ValLoop has no argument fp61; did you mean fp16?'),
    'model.head.feat_sise': (2, 'DACLHead has no argument feat_sise; did you mean feat_size?'),
    'model.head.in_chanels': (512, 'DACLHead has no argument in_chanels; did you mean in_channels?'),
    'model.head.attention.hidden': ([8], 'DACLAttention has no argument hidden'),
    'model.hed.num_classes': (7, 'ImageClassifier has no argument hed; did you mean head?'),
    'model.head.type': (
        'DACLHed',
        'model.head.type: there is no model DACLHed in the scope mmpretrain; did you mean DACLHead?',
    ),
    'train_dataloader.dataset.splt': ('val', 'SyntheticFaces has no argument splt; did you mean split?'),
    'train_dataloader.batchsize': (8, 'DataLoader has no argument batchsize; did you mean batch_size?'),
    'val_dataloader.sampler.shufle': (True, 'DefaultSampler has no argument shufle; did you mean shuffle?'),
    'test_dataloader.dataset.pipeline.0.sise': (64, 'DrawFace has no argument sise; did you mean size?'),
    'optim_wrapper.optimizer.LR': (0.1, 'SGD has no argument LR; did you mean lr?'),
    'param_scheduler.pct_strt': (0.1, 'OneCycleLR has no argument pct_strt; did you mean pct_start?'),
    'default_hooks.chekpoint.interval': (1, 'default_hooks.chekpoint has no type; did you mean checkpoint?'),
    'custom_hooks.4.alfa': (0.1, 'custom_hooks.4.alfa'),
    'val_evaluator.0.topks': (1, 'Accuracy has no argument topks; did you mean topk?'),
    'visualizer.vis_backends.0.dir': ('x', 'LocalVisBackend has no argument dir'),
    'data_preprocessor.to_rbg': (True, 'ClsDataPreprocessor has no argument to_rbg; did you mean to_rgb?'),
    'randomness.sed': (1, 'unknown key randomness.sed; did you mean seed?'),
    'auto_scale_lr.enabled': (True, 'unknown key auto_scale_lr.enabled; did you mean enable?'),
    'runner_type': ('FERRuner', 'did you mean FERRunner?'),
}


@pytest.mark.parametrize('key', PARTS)
def test_an_option_that_nothing_takes_is_named_with_what_was_meant(key):
    value, message = PARTS[key]
    with pytest.raises(UserError) as caught:
        set_options(load_config(SYNTHETIC), {key: value})
    assert message in str(caught.value)


def test_a_missing_argument_is_named():
    with pytest.raises(UserError, match=r'model\.backbone: ResNet needs depth'):
        set_options(load_config(SYNTHETIC), {'model.backbone': dict(_delete_=True, type='ResNet')})


def test_options_that_classes_take_pass():
    cfg = load_config(SYNTHETIC)
    options = {
        'log_level': 'DEBUG',
        'selection_metric': 'fer/mean_class_accuracy',
        'model.backbone.init_cfg': None,
        'model.backbone.frozen_stages': 1,  # of the class, not in the file
        'optim_wrapper.accumulative_counts': 2,
        'optim_wrapper.clip_grad.max_norm': 1.0,
        'optim_wrapper.paramwise_cfg.norm_decay_mult': 0.0,
        'train_dataloader.prefetch_factor': 4,
        'train_dataloader.dataset.indices': 100,  # of a parent class, through **kwargs
        'default_hooks.logger.priority': 'LOW',
        'train_cfg.val_begin': 2,
        'test_cfg.fp16': True,
    }
    set_options(cfg, options)
    assert cfg.model.backbone.frozen_stages == 1 and cfg.train_cfg.val_begin == 2


def test_a_variable_that_was_used_when_the_file_was_read_cannot_be_overridden():
    with pytest.raises(UserError, match=r'dataset is a variable .* train_dataloader\.dataset\.data_root'):
        set_options(load_config('dacl_r18_rafdb'), {'dataset.data_root': '/data'})
    with pytest.raises(UserError, match=r'train_pipeline .* train_dataloader\.dataset\.pipeline'):
        set_options(load_config(SYNTHETIC), {'train_pipeline': []})


def test_a_misspelled_key_of_a_file_is_named_and_a_variable_is_not(tmp_path):
    path = tmp_path / 'mine.py'
    path.write_text(f"""_base_ = {str(REPO / 'configs' / f'{SYNTHETIC}.py')!r}
size_64px, folders, classes = 64, ['a'], ('x', 'y')
custom_hook = dict(type='EMAHook')
custom_hooks = [custom_hook]
""")
    set_options(load_config(str(path)), None)
    with open(path, 'a') as file:
        file.write('optim_wraper = dict(accumulative_counts=2)\n')
    with pytest.raises(UserError, match=r'optim_wraper, which nothing reads; did you mean optim_wrapper\?'):
        set_options(load_config(str(path)), None)


def test_a_config_without_scope_is_in_that_of_mmpretrain(tmp_path):
    path = tmp_path / 'bare.py'
    path.write_text("model = dict(type='ImageClassifier', backbone=dict(type='ResNet', depth=18))\n")
    cfg = load_config(str(path))
    set_options(cfg, None)
    assert cfg.default_scope == 'mmpretrain'
    with pytest.raises(UserError, match='no model ImageClassifier in the scope mmengine'):
        set_options(cfg, {'default_scope': 'mmengine'})


def test_the_options_of_a_comparison_are_checked_too(tmp_path):
    path = tmp_path / 'set.py'
    path.write_text(f"""_base_ = {str(REPO / 'configs' / 'softmax_r18_synthetic.py')!r}
methods = dict(
    dacl=dict(model='_base_/models/dacl_r18.py', options={{'model.head.feat_sice': 2}}),
)
""")
    with pytest.raises(UserError, match=r'DACLHead has no argument feat_sice; did you mean feat_size\?'):
        read_methods([str(path)])
    with pytest.raises(UserError, match=r'unknown key; did you mean train_cfg\?'):
        read_methods([SYNTHETIC], {'train_cgf.max_epochs': 1})


def test_no_alarm_for_the_configs_of_mmpretrain():
    """Of its hundreds every eleventh; none of another library's classes."""
    folder = REPO.joinpath(mmpretrain.__path__[0], '.mim', 'configs')
    names = ('convnext', 'deit', 'mae', 'mobilenet_v3', 'resnet', 'simclr', 'swin_transformer')
    paths = [path for name in names for path in sorted(folder.glob(f'{name}/**/*.py'))[::11]]
    if len(paths) < 10:
        pytest.skip(f'no configs of MMPretrain in {folder}')
    for path in paths:
        set_options(Config.fromfile(path), None)
