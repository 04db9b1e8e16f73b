# What `make demo` runs: two methods, one seed, faces of 48 px: minutes on two CPU cores.
_base_ = '../softmax_r18_synthetic.py'
train_pipeline = [
    dict(type='DrawFace', size=54),
    dict(type='RandomFiveCrop', crop_size=48),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='DrawFace', size=54),
    dict(type='CenterCrop', crop_size=48),
    dict(type='PackInputs'),
]
train_dataloader = dict(num_workers=1, dataset=dict(num_images=2800, pipeline=train_pipeline))
val_dataloader = dict(num_workers=1, dataset=dict(num_images=350, pipeline=test_pipeline))
test_dataloader = dict(num_workers=1, dataset=dict(num_images=700, pipeline=test_pipeline))
methods = dict(
    softmax=dict(model='_base_/models/softmax_r18.py'),
    dacl=dict(model='_base_/models/dacl_r18.py'),
)
