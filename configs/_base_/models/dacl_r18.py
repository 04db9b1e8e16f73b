_base_ = 'resnet18.py'
model = dict(
    head=dict(
        type='DACLHead',
        num_classes=7,
        in_channels=512,
        attention=dict(type='DACLAttention'),
        loss=dict(type='CrossEntropyLoss'),
        loss_center=dict(type='SparseCenterLoss', alpha=0.5, loss_weight=0.01),
    ),
)
