# From scratch in few epochs: warm-up and decay in one cycle.
_base_ = 'demo_3e.py'
param_scheduler = dict(total_steps=5)
train_cfg = dict(max_epochs=5)
auto_scale_lr = dict(base_batch_size=64)
