# Centre loss whose centres keep apart (docs/losses.md).
_base_ = 'center_r18.py'
model = dict(head=dict(loss_center=dict(type='IslandLoss', island_weight=10.0)))
