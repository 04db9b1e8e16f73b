# Attention consistency and smooth labels, both re-balanced (docs/losses.md).
_base_ = 'eac_r18.py'
model = dict(
    head=dict(
        consistency_weight=0.1,
        balanced=True,
        loss=dict(_delete_=True, type='RebalancedSmoothLoss', num_classes=7, smooth=0.3),
    ),
)
