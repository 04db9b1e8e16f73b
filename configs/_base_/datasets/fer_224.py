# Loaders that every data set read from files shares.
_base_ = '../pipelines/five_crops.py'
train_dataloader = dict(
    batch_size=64,
    num_workers=4,
    dataset=dict(split='train', pipeline={{_base_.train_224px}}),
    sampler=dict(type='ShuffleSampler'),
    collate_fn=dict(type='default_collate'),
    drop_last=True,
)
val_dataloader = dict(
    batch_size=64,
    num_workers=4,
    dataset=dict(split='val', pipeline={{_base_.test_224px}}, test_mode=True),
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
)
test_dataloader = dict(
    batch_size=64,
    num_workers=4,
    dataset=dict(split='test', pipeline={{_base_.test_224px}}, test_mode=True),
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
)
