"""A runner whose epochs take milliseconds."""

import itertools
from collections.abc import Callable

import torch
import torch.nn.functional as F
from mmengine.logging import MMLogger
from mmengine.model import BaseModel
from mmpretrain.structures import DataSample
from torch.utils.data import Dataset

from dacl_mm.engine.runner import FERRunner

COUNT = itertools.count()
CLASSES = ('neutral', 'happiness', 'sadness')


class Points(Dataset):
    """Six points of as many classes as there are names."""

    def __init__(self, classes=CLASSES):
        self.metainfo = dict(classes=tuple(classes))
        self.CLASSES = tuple(classes)

    def __len__(self):
        return 6

    def __getitem__(self, i):
        label = i % len(self.CLASSES)
        return dict(
            inputs=torch.eye(3)[label] + 0.1 * (i // 3), data_samples=DataSample().set_gt_label(label)
        )


class Linear(BaseModel):
    """A softmax classifier of points; ``broken_step`` is the step whose second loss is NaN."""

    def __init__(self, num_classes=3, broken_step=None):
        super().__init__()
        self.fc = torch.nn.Linear(3, num_classes)
        self.broken_step = broken_step
        self.steps = 0

    def forward(self, inputs, data_samples=None, mode='tensor'):
        logits = self.fc(torch.stack(inputs))
        if mode == 'predict':
            return [
                sample.set_pred_score(score).set_pred_label(score.argmax(keepdim=True))
                for sample, score in zip(data_samples, logits.softmax(1))
            ]
        self.steps += 1
        loss = F.cross_entropy(logits, torch.cat([sample.gt_label for sample in data_samples]))
        factor = float('nan') if self.steps == self.broken_step else 0.5
        return dict(loss_cls=loss, loss_other=loss.detach() * factor)


def make_runner(
    work_dir,
    epochs=3,
    classes=CLASSES,
    model=None,
    resume=None,
    settings=None,
    collate='pseudo_collate',
    **kwargs,
):
    """Build a runner of two iterations an epoch.

    Args:
        work_dir: Folder of checkpoints and logs.
        epochs: Length of the training.
        classes: Names of the classes.
        model: The model, else :class:`Linear`.
        resume: Checkpoint to go on from.
        settings: Top-level keys of the runner's config.
        collate: How samples become a batch.
        kwargs: Those of the runner; ``checkpoint`` those of the checkpoint hook, ``minutes`` that of
            AutosaveHook.
    """
    torch.manual_seed(0)
    checkpoint = dict(type='AtomicCheckpointHook', interval=1, max_keep_ckpts=1) | kwargs.pop(
        'checkpoint', {}
    )
    loader = dict(
        batch_size=3,
        dataset=Points(classes),
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type=collate),
        num_workers=0,
    )
    options = dict(
        model=model or Linear(len(classes)),
        work_dir=str(work_dir),
        train_dataloader=loader | dict(drop_last=True),
        val_dataloader=loader,
        val_evaluator=[dict(type='Accuracy', topk=(1,)), dict(type='FERMetric')],
        val_cfg=dict(),
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9)),
        default_hooks=dict(
            checkpoint=checkpoint, autosave=dict(type='AutosaveHook', minutes=kwargs.pop('minutes', None))
        ),
        custom_hooks=[dict(type=name) for name in ('NonFiniteHook', 'ReportHook', 'PlainCheckpointHook')],
        log_processor=dict(type='ShortLogProcessor'),
        default_scope='mmpretrain',
        experiment_name=f'small_{next(COUNT)}',
        randomness=dict(seed=0),
        load_from=resume and str(resume),
        resume=resume is not None,
    )
    runner = FERRunner(**(options | kwargs))
    runner.cfg.merge_from_dict(
        dict(selection_metric='accuracy/top1', resume=resume is not None, load_from=resume and str(resume))
        | (settings or {})
    )
    return runner


def listen(path) -> Callable[[], str]:
    """Return a function that reads what has been logged since."""
    name = f'listen_{next(COUNT)}'
    MMLogger.get_instance(name, logger_name=name, log_file=str(path))
    return path.read_text
