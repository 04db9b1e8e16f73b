# Short, and from scratch: warm-up and decay in one cycle.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.02, momentum=0.9, weight_decay=5e-4, fused=True),
)
param_scheduler = dict(
    type='OneCycleLR', eta_max=0.02, pct_start=0.2, by_epoch=True, total_steps=3, convert_to_iter_based=True
)
train_cfg = dict(by_epoch=True, max_epochs=3, val_interval=1)
val_cfg = dict()
test_cfg = dict()
auto_scale_lr = dict(base_batch_size=32)
