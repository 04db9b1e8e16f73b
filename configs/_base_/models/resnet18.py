# Pixel statistics of the authors' recipe, RGB, scaled to [0, 255].
data_preprocessor = dict(
    num_classes=7,
    mean=[146.676, 114.6225, 102.306],
    std=[53.193, 48.7305, 45.9765],
    to_rgb=True,
)
model = dict(
    type='ImageClassifier',
    backbone=dict(
        type='ResNet',
        depth=18,
        num_stages=4,
        out_indices=(3,),
        style='pytorch',
        zero_init_residual=False,
        init_cfg=dict(type='PretrainedBackbone', checkpoint='{{$FER_BACKBONE:scratch}}'),
    ),
)
