# Scale and margin for few classes; the defaults (64, 0.5) are for thousands of identities.
_base_ = 'resnet18.py'
model = dict(
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='FloatArcFaceHead', num_classes=7, in_channels=512, scale=16.0, margins=0.2),
)
