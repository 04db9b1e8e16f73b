# What each ingredient of the recipe is worth: all of them but one, none at all, and four more.
_base_ = 'ferplus_48px.py'
train_cfg = dict(max_epochs=20)
softmax = '_base_/models/softmax_r18h.py'
without = dict(
    votes={'train_dataloader.dataset.label_mode': 'majority'},
    affine={'train_dataloader.dataset.pipeline.2.prob': 0.0},
    contrast={'train_dataloader.dataset.pipeline.3.contrast': 0.0},
    flip={'train_dataloader.dataset.pipeline.4.prob': 0.0},
    erasing={'train_dataloader.dataset.pipeline.5.erase_prob': 0.0},
    mixup={'data_preprocessor.batch_augments': None},
    warmup={'param_scheduler.1.start_factor': 1.0},
    nesterov={'optim_wrapper.optimizer.nesterov': False},
    decay_rule={'optim_wrapper.paramwise_cfg': None},
    average={'default_hooks.ema.decay': 0.0},
    se={'model.backbone.type': 'ResNet_CIFAR'},
)
methods = dict(
    _delete_=True,
    recipe=dict(model=softmax),
    bare=dict(
        model=softmax, options={key: value for keys in without.values() for key, value in keys.items()}
    ),
    with_smoothing=dict(model=softmax, options={'model.head.loss.label_smooth_val': 0.1}),
    with_drop_path=dict(model=softmax, options={'model.backbone.drop_path_rate': 0.1}),
    with_dropout=dict(model=softmax, options={'model.head.type': 'DropoutLinearHead'}),
    with_sam=dict(model=softmax, options={'optim_wrapper.type': 'SAMOptimWrapper'}),
    **{f'no_{name}': dict(model=softmax, options=keys) for name, keys in without.items()},
)
