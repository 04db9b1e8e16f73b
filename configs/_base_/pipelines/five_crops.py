# The published 224 px: five crops of 256 px. FER2013's images are grey, and a network of grey faces wants
# every face so.
cropped = [
    dict(type='ResizeEdge', scale=256, edge='short', backend='pillow'),
    dict(type='RandomFiveCrop', crop_size=224),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
centered = [
    dict(type='ResizeEdge', scale=256, edge='short', backend='pillow'),
    dict(type='CenterCrop', crop_size=224),
    dict(type='PackInputs'),
]
train_224px = [dict(type='LoadFace'), *cropped]
test_224px = [dict(type='LoadFace'), *centered]
train_grey_224px = [dict(type='LoadFace', grey=True), *cropped]
test_grey_224px = [dict(type='LoadFace', grey=True), *centered]
del cropped, centered
