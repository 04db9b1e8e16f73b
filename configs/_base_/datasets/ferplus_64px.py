# 8,000 training images at 64 px: five seeds of five methods in hours on two CPU cores.
_base_ = 'ferplus.py'
# The list is what tools/verify_dataset.py --write-exclude finds; its names serve both layouts.
dataset = dict(test_part='PublicTest', exclude_file='{{ fileDirname }}/ferplus_publictest_leaks.txt')
train_pipeline = [
    dict(type='LoadFace', grey=True),
    dict(type='ResizeEdge', scale=72, edge='short', backend='pillow'),
    dict(type='RandomFiveCrop', crop_size=64),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='LoadFace', grey=True),
    dict(type='ResizeEdge', scale=72, edge='short', backend='pillow'),
    dict(type='CenterCrop', crop_size=64),
    dict(type='PackInputs'),
]
train_dataloader = dict(num_workers=1, dataset=dict(pipeline=train_pipeline, indices=8000, **dataset))
val_dataloader = dict(num_workers=1, dataset=dict(pipeline=test_pipeline, **dataset))
test_dataloader = dict(num_workers=1, dataset=dict(pipeline=test_pipeline, **dataset))
