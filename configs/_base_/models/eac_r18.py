# Attention consistency between an image and its mirror image; erase in the pipeline (docs/losses.md).
_base_ = 'resnet18.py'
model = dict(
    type='FlipViewClassifier',
    head=dict(
        type='FlipConsistencyHead',
        num_classes=7,
        in_channels=512,
        consistency_weight=5.0,
        loss=dict(type='CrossEntropyLoss'),
    ),
)
