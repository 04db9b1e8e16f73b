# Relative uncertainty learning (docs/losses.md).
_base_ = 'resnet18.py'
model = dict(
    head=dict(
        type='UncertaintyHead',
        num_classes=7,
        in_channels=512,
        embed_channels=64,
        dropout=0.4,
        loss=dict(type='CrossEntropyLoss'),
    ),
)
