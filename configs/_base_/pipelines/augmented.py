# What the recipe does to faces (docs/recipes.md), at 48 px and at the published size. Grey levels of the
# fill are the pixel means, BGR, which normalisation turns into zeros. Images of 48 px are FER2013's: grey.
moved = dict(
    type='RandomAffine',
    degrees=15,
    translate=(0.08, 0.08),
    scale=(0.85, 1.15),
    interpolation='bilinear',
    fill=(102, 115, 147),
    prob=1.0,
)
painted = [
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
augmented_48px = [
    dict(type='LoadFace', grey=True),
    dict(type='Resize', scale=(48, 48), backend='pillow'),
    moved,
    *painted,
]
augmented_224px = [
    dict(type='LoadFace'),
    dict(type='ResizeEdge', scale=256, edge='short', backend='pillow'),
    moved,
    dict(type='CenterCrop', crop_size=224),
    *painted,
]
plain_48px = [
    dict(type='LoadFace', grey=True),
    dict(type='Resize', scale=(48, 48), backend='pillow'),
    dict(type='PackInputs'),
]
# --tta: each image in ten views, mirrored or not and moved by 4 px or not.
views_48px = [
    dict(type='LoadFace', grey=True),
    dict(type='Resize', scale=(48, 48), backend='pillow'),
    dict(
        type='TestTimeAug',
        transforms=[
            [dict(type='RandomFlip', prob=0.0), dict(type='RandomFlip', prob=1.0)],
            [
                dict(
                    type='Translate',
                    magnitude=magnitude,
                    direction=direction,
                    prob=1.0,
                    random_negative_prob=0.0,
                    pad_val=(102, 115, 147),
                )
                for magnitude, direction in (
                    (0.0, 'horizontal'),
                    (-1 / 12, 'horizontal'),
                    (1 / 12, 'horizontal'),
                    (-1 / 12, 'vertical'),
                    (1 / 12, 'vertical'),
                )
            ],
            [dict(type='PackInputs')],
        ],
    ),
]
