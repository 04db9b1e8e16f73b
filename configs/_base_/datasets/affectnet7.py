_base_ = 'fer_224.py'
import os  # noqa: E402 - above _base_ mmengine would take it for a lazy config

dataset = dict(type='AffectNet', data_root=os.environ.get('AFFECTNET_ROOT') or 'data/AffectNet')
# Happiness outnumbers disgust 35 to 1; the official test part is balanced.
train_dataloader = dict(dataset=dataset, sampler=dict(_delete_=True, type='BalancedSampler'))
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)
