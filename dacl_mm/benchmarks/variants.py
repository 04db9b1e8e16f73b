"""How a training is made faster: each variant changes a config, and the cases have rows of each."""

from collections.abc import Callable

from mmengine.config import Config

from dacl_mm.config.device_pipeline import move_to_device
from dacl_mm.engine.fast import set_fast, store_images
from dacl_mm.models.preprocessors import has_counterpart

from .setting import Setting


def exact(cfg: Config) -> None:
    """Leave everything as it is: float32, each image read and transformed by itself."""


def cached(cfg: Config) -> None:
    """Decode each image once."""
    store_images(cfg)


def on_device(cfg: Config) -> None:
    """Decode each image once, and transform whole batches on the device."""
    store_images(cfg)
    move_to_device(cfg, has_counterpart)


def bfloat16(cfg: Config) -> None:
    """Train and evaluate under autocast."""
    cfg.optim_wrapper.type = 'BFloat16OptimWrapper'
    cfg.val_cfg.fp16 = cfg.test_cfg.fp16 = True


VARIANTS: dict[str, Callable[[Config], None]] = {
    'exact': exact,
    'cached': cached,
    'on device': on_device,
    'bfloat16': bfloat16,
    'fast': set_fast,
}


def variant_configs(
    setting: Setting, of_data: bool | None = None, batch_size: int | None = None
) -> dict[str, Config]:
    """Return DACL's config in each variant.

    Args:
        setting: Images and their size.
        of_data: Only variants that differ in how images become a batch (True), or in what is computed
            from one (False); None: all.
        batch_size: Images of a batch, if not the setting's.
    """
    found: dict[str, Config] = {}
    seen = []
    for name, change in VARIANTS.items():
        if setting.variants and name not in ('exact', *setting.variants):
            continue
        cfg = setting.config(batch_size=batch_size)
        change(cfg)
        part = {
            key: value
            for key, value in cfg.to_dict().items()
            if of_data is None or key == 'data_preprocessor' or key.endswith('_dataloader') == of_data
        }
        if of_data is None or part not in seen:
            found[name] = cfg
            seen.append(part)
    return found


def narrow(cfg: Config) -> bool:
    """Return whether a config computes in 16 bits."""
    return cfg.optim_wrapper.type in ('AmpOptimWrapper', 'BFloat16OptimWrapper')
