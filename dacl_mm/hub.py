"""Our configs, and the weights that come with the package, in MMPretrain's model hub."""

from pathlib import Path

from mmpretrain.apis.model import ModelHub

from dacl_mm.errors import MissingFileError

#: Where ``Weights`` of ``model-index.yml`` lie.
WEIGHTS = Path(__file__).resolve().parent / 'weights'


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
    """Make ``mmpretrain.get_model`` and ``list_models`` know our configs and weights."""
    if 'dacl_r18_rafdb' in ModelHub._models_dict:
        return
    folder, known = config_dir(), set(ModelHub._models_dict)
    ModelHub.register_model_index(folder / 'model-index.yml', config_prefix=folder)
    for name in ModelHub._models_dict.keys() - known:
        model = ModelHub._models_dict[name]
        if model.weights:
            model.weights = str(WEIGHTS / model.weights)
