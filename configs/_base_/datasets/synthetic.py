_base_ = 'fer_224.py'
train_pipeline = [
    dict(type='DrawFace', size=72),
    dict(type='RandomFiveCrop', crop_size=64),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='DrawFace', size=72),
    dict(type='CenterCrop', crop_size=64),
    dict(type='PackInputs'),
]
train_dataloader = dict(
    batch_size=32,
    num_workers=2,
    dataset=dict(type='SyntheticFaces', num_images=4200, pipeline=train_pipeline),
)
val_dataloader = dict(
    num_workers=2,
    dataset=dict(type='SyntheticFaces', num_images=700, pipeline=test_pipeline),
)
test_dataloader = dict(
    num_workers=2,
    dataset=dict(type='SyntheticFaces', num_images=1400, pipeline=test_pipeline),
)
