"""A truncated training image, through the command line."""

from conftest import REPO, run_tool
from layouts import rafdb


def write_config(tmp_path, unreadable: str):
    rafdb(tmp_path / 'data')
    image = tmp_path / 'data/basic/Image/aligned/train_00003_aligned.jpg'
    image.write_bytes(image.read_bytes()[:-200])
    config = tmp_path / 'config.py'
    config.write_text(
        f"""_base_ = {str(REPO / 'configs/softmax_r18_rafdb.py')!r}
pipeline = [dict(type='LoadFace'), dict(type='CenterCrop', crop_size=32), dict(type='PackInputs')]
dataset = dict(
    pipeline=pipeline, data_root={str(tmp_path / 'data')!r}, split='trainval', unreadable={unreadable!r}
)
train_dataloader = dict(batch_size=7, num_workers=2, dataset=dataset)
train_cfg = dict(max_epochs=2)
"""
    )
    return config, image


def test_training_stops_at_once_and_names_the_file(tmp_path):
    config, image = write_config(tmp_path, 'error')
    done = run_tool('train', config, '--work-dir', tmp_path, '--no-validate', check=False)
    assert done.returncode == 2 and 'Traceback' not in done.stderr, done.stderr[-3000:]
    assert f'error: {image} cannot be read as an image' in done.stderr


def test_training_replaces_it_and_says_so_after_each_epoch(tmp_path):
    config, image = write_config(tmp_path, 'replace')
    done = run_tool('train', config, '--work-dir', tmp_path, '--no-validate')
    log = done.stdout + done.stderr
    for epoch in (1, 2):
        assert f'epoch {epoch}: 1 unreadable images were replaced' in log
    assert str(image) in log
