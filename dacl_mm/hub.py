"""Our configs in MMPretrain's model hub."""

from pathlib import Path

from mmpretrain.apis.model import ModelHub

from dacl_mm.errors import MissingFileError


def config_dir() -> Path:
    """Return the folder of the configs.

    Raises:
        MissingFileError: If the installation lacks them.
    """
    folder = Path(__file__).resolve().parent / 'configs'
    if not (folder / 'model-index.yml').is_file():
        raise MissingFileError(f'no configs in {folder}: reinstall dacl_mm')
    return folder.resolve()


def register_models() -> None:
    """Make ``mmpretrain.get_model`` and ``list_models`` know our configs."""
    if 'dacl_r18_rafdb' not in ModelHub._models_dict:
        folder = config_dir()
        ModelHub.register_model_index(folder / 'model-index.yml', config_prefix=folder)
