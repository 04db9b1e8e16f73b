# Centres compete by the ratio of their distances, which the attention weighs (docs/losses.md).
_base_ = 'resnet18.py'
model = dict(
    head=dict(
        type='AttentiveCenterHead',
        num_classes=7,
        in_channels=512,
        attention=dict(type='StatisticsAttention'),
        centers=dict(type='RatioCenters', sharpness=32.0),
        loss=dict(type='CrossEntropyLoss'),
        loss_weight=0.5,
        ramp_epochs=5,
        tau=1.0,
        predict_by='classifier',
    ),
)
