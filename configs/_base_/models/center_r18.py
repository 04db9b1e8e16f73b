_base_ = 'resnet18.py'
model = dict(
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='CenterLossHead',
        head=dict(
            type='LinearClsHead',
            num_classes=7,
            in_channels=512,
            loss=dict(type='CrossEntropyLoss'),
            init_cfg=None,
        ),
        loss_center=dict(type='CenterLoss', alpha=0.5, loss_weight=0.01),
    ),
)
