from dataclasses import replace

from dacl_mm.benchmarks import variants
from dacl_mm.benchmarks.variants import bfloat16, exact, narrow, variant_configs


def test_each_variant_has_a_row_where_it_differs(setting, monkeypatch):
    def elsewhere(cfg):
        cfg.train_dataloader.dataset.split = 'train'

    every = {'exact': exact, 'elsewhere': elsewhere, 'bfloat16': bfloat16}
    monkeypatch.setattr(variants, 'VARIANTS', every)
    all_of_them = replace(setting, variants=(), folder=setting.folder / 'all')
    assert list(variant_configs(all_of_them)) == ['exact', 'elsewhere', 'bfloat16']
    assert list(variant_configs(all_of_them, of_data=True)) == ['exact', 'elsewhere']
    assert list(variant_configs(all_of_them, of_data=False)) == ['exact', 'bfloat16']
    assert list(variant_configs(setting)) == ['exact', 'bfloat16']


def test_exact_is_the_packaged_config_on_these_images(setting):
    configs = variant_configs(setting)
    assert not narrow(configs['exact']) and narrow(configs['bfloat16'])
    cfg = configs['exact']
    assert cfg.train_dataloader.batch_size == 4 and cfg.optim_wrapper.optimizer.lr == 0.01
    assert [t.get('scale', t.get('crop_size')) for t in cfg.train_dataloader.dataset.pipeline][1:3] == [
        37,
        32,
    ]
    assert (cfg.train_dataloader.dataset.split, cfg.val_dataloader.dataset.split) == ('trainval', 'test')
