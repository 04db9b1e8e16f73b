"""What every case is measured with."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mmengine.config import Config

from dacl_mm.config import PAPER_PROTOCOL, load_config, set_loader_defaults

from .faces import class_folders
from .machine import Machine, measure_machine

#: Side of the resized image over the crop's, as the authors' 256 over 224 px.
RESIZE = 256 / 224


@dataclass(frozen=True)
class Setting:
    """What every case is measured with.

    Args:
        folder: Temporary folder for all that is written.
        rounds: Interleaved rounds after the warm-up.
        batch_size: Images of a batch.
        size: Side of the images in pixels, as the network sees them.
        train: Training images of an epoch.
        test: Images evaluated after it.
        workers: Loader processes.
        source: Folder of class folders with real images; None draws faces.
        variants: Names of those that have rows beside 'exact'; none stands for all.
    """

    folder: Path
    rounds: int = 10
    batch_size: int = 32
    size: int = 64
    train: int = 448
    test: int = 128
    workers: int = 4
    source: Path | None = None
    variants: tuple[str, ...] = ()

    @cached_property
    def data(self) -> Path:
        """Class folders with these numbers of images, made at the first use."""
        return class_folders(self.folder / 'faces', self.train, self.test, self.source)

    def __getstate__(self) -> dict[str, Any]:
        # Another process that has a copy would make the images once more.
        return {**self.__dict__, 'data': self.data}

    @cached_property
    def machine(self) -> Machine:
        """What the machine can do at most, measured at the first use."""
        return measure_machine()

    def config(self, method: str = 'dacl', epochs: int = 1, batch_size: int | None = None) -> Config:
        """Return a method's config for these images.

        Trained on all of part 'train', evaluated on 'test' after every epoch, from random weights.

        Args:
            method: Of the packaged configs.
            epochs: Length of the training.
            batch_size: Images of a batch, if not the setting's.
        """
        cfg = load_config(f'{method}_r18_folder')
        cfg.protocol = PAPER_PROTOCOL
        cfg.model.backbone.init_cfg.checkpoint = 'scratch'
        cfg.train_cfg.max_epochs = epochs
        for part, split in (('train', 'trainval'), ('val', 'test'), ('test', 'test')):
            loader = cfg[f'{part}_dataloader']
            loader.update(batch_size=batch_size or self.batch_size, num_workers=self.workers)
            loader.dataset.update(data_root=str(self.data), split=split)
            for transform in loader.dataset.pipeline:
                if transform.type == 'ResizeEdge':
                    transform.scale = round(self.size * RESIZE)
                elif 'Crop' in transform.type:
                    transform.crop_size = self.size
        set_loader_defaults(cfg, pin_memory=True, persistent_workers=True)
        return cfg
