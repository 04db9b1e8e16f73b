"""Our configs in MMPretrain's model hub."""

from pathlib import Path

from mmpretrain.apis.model import ModelHub

_PACKAGE = Path(__file__).resolve().parent


def config_dir() -> Path:
    """Return the folder of the configs: in the wheel beside this file, in a checkout one above.

    Raises:
        FileNotFoundError: If the installation lacks them.
    """
    for folder in (_PACKAGE / 'configs', _PACKAGE.parent / 'configs'):
        if (folder / 'model-index.yml').is_file():
            return folder
    raise FileNotFoundError(f'no configs beside {_PACKAGE}: reinstall dacl_mm')


def register_models() -> None:
    """Make ``mmpretrain.get_model`` and ``list_models`` know our configs."""
    if 'dacl_r18_rafdb' not in ModelHub._models_dict:
        folder = config_dir()
        ModelHub.register_model_index(folder / 'model-index.yml', config_prefix=folder)
