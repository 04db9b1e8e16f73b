"""A DACL whose steps take milliseconds, as a config file."""

from pathlib import Path

from conftest import REPO

TEXT = """_base_ = {base!r}
model = dict(
    backbone=dict(base_channels=8, stem_channels=8, drop_path_rate=0.1),
    head=dict(in_channels=64, attention=dict(hidden_channels=[16, 8])),
)
train_dataloader = dict(
    batch_size=8,
    num_workers={workers},
    dataset=dict(num_images={images}),
    sampler=dict(type='BalancedSampler'),
)
val_dataloader = dict(num_workers={workers}, dataset=dict(num_images=28))
test_dataloader = dict(num_workers=0, dataset=dict(num_images=28))
train_cfg = dict(max_epochs={epochs})
param_scheduler = dict(total_steps={epochs})
default_hooks = dict(logger=dict(interval=5), autosave=dict(minutes={minutes}))
visualizer = dict(vis_backends=[dict(type='LocalVisBackend')])
{more}
"""


def write_config(
    path: Path, images: int, epochs: int, workers: int = 0, minutes: float | None = None, more: str = ''
) -> Path:
    """Write a config of the embedded set; batches hold 8 images."""
    base = str(REPO / 'configs' / 'dacl_r18_synthetic.py')
    path.write_text(
        TEXT.format(base=base, images=images, epochs=epochs, workers=workers, minutes=minutes, more=more)
    )
    return path
