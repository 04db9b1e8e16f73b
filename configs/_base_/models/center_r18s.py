# For faces of 48 px: a 3x3 stem of stride 1, no max-pooling, squeeze-and-excitation.
_base_ = 'center_r18.py'
model = dict(
    backbone=dict(type='SEResNetCIFAR'),
    head=dict(head=dict(loss=dict(type='LabelSmoothLoss', num_classes=7, label_smooth_val=0.0))),
)
