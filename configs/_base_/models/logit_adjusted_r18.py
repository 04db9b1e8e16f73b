# Cross-entropy of logits shifted by the classes' frequencies (docs/losses.md).
_base_ = 'softmax_r18.py'
model = dict(head=dict(loss=dict(_delete_=True, type='LogitAdjustedLoss', num_classes=7, tau=1.0)))
