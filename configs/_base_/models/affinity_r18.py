# Centre loss in relation to the spread of the centres (docs/losses.md).
_base_ = 'center_r18.py'
model = dict(head=dict(loss_center=dict(_delete_=True, type='AffinityLoss', loss_weight=1.0)))
