# Half as wide, and half the resolution from the first stage on: a sixteenth of the cost.
_base_ = 'softmax_r18s.py'
model = dict(
    backbone=dict(stem_channels=32, base_channels=32, strides=(2, 2, 2, 2)),
    head=dict(in_channels=256),
)
