# MMPretrain's focal loss is the sigmoid one, each class against the rest.
_base_ = 'softmax_r18.py'
model = dict(head=dict(loss=dict(type='FocalLoss', gamma=2.0, alpha=0.25)))
