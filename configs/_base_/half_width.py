# Options of a set's methods that make a network of ResNet-18's files the recipe's of half width.
backbone = {
    'model.backbone.type': 'SEResNetCIFAR',
    'model.backbone.stem_channels': 32,
    'model.backbone.base_channels': 32,
    'model.backbone.strides': (2, 2, 2, 2),
}
half_width = {**backbone, 'model.head.in_channels': 256}
# SCN corrects labels one by one: they are hard, and nothing is mixed.
half_width_labels = {
    **half_width,
    'train_dataloader.dataset.label_mode': 'majority',
    'data_preprocessor.batch_augments': None,
}
half_width_wrapped = {**backbone, 'model.head.head.in_channels': 256}
# Centers that are trained by gradient do not decay.
half_width_centers = {**half_width, 'optim_wrapper.paramwise_cfg.custom_keys.centers.decay_mult': 0.0}
# They alone predict, under an attention at the common rate, or at more of it and without decay.
_attention = 'optim_wrapper.paramwise_cfg.custom_keys.attention'
_gate = {**half_width_centers, 'model.head.predict_by': 'centers', 'model.head.ramp_epochs': 1}
half_width_gate = dict(
    lr1=_gate,
    lr10={**_gate, f'{_attention}.lr_mult': 10.0, f'{_attention}.decay_mult': 0.0},
    lr100={**_gate, f'{_attention}.lr_mult': 100.0, f'{_attention}.decay_mult': 0.0},
)
del backbone, _attention, _gate
