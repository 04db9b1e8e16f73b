_base_ = 'fer_224.py'
dataset = dict(type='AffectNet', data_root='{{$AFFECTNET_ROOT:data/AffectNet}}')
# Happiness outnumbers disgust 35 to 1; the official test part is balanced.
train_dataloader = dict(dataset=dataset, sampler=dict(_delete_=True, type='BalancedSampler'))
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)
