# The recipe in 10 epochs, 1 of them warm-up: what CPUs train in hours.
_base_ = 'ferplus_48px.py'
train_cfg = dict(max_epochs=10)
param_scheduler = [
    dict(type='CosineAnnealingLR', eta_min=0.0, by_epoch=True, convert_to_iter_based=True),
    dict(type='LinearLR', start_factor=0.01, by_epoch=True, end=1, convert_to_iter_based=True),
]
