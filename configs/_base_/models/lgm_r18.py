# A Gaussian mixture as classifier, with a margin (docs/losses.md).
_base_ = 'resnet18.py'
model = dict(
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='GaussianMixtureHead', num_classes=7, in_channels=512, margin=0.1, likelihood_weight=0.1),
)
