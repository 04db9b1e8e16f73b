# The recipe's augmentation at the published size: as at 48 px, and the crop of fer_224.py.
augmented_224px = [
    dict(type='LoadFace'),
    dict(type='ResizeEdge', scale=256, edge='short', backend='pillow'),
    dict(
        type='RandomAffine',
        degrees=15,
        translate=(0.08, 0.08),
        scale=(0.85, 1.15),
        interpolation='bilinear',
        fill=(102, 115, 147),
        prob=1.0,
    ),
    dict(type='CenterCrop', crop_size=224),
    dict(type='ColorJitter', contrast=0.3, backend='pillow'),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(
        type='RandomErasing',
        erase_prob=0.5,
        min_area_ratio=0.02,
        max_area_ratio=0.25,
        fill_color=(102, 115, 147),
    ),
    dict(type='PackInputs'),
]
