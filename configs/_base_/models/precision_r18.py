# Centres are Gaussians with a learned precision of each class and dimension (docs/losses.md).
_base_ = 'ratio_fixed_r18.py'
model = dict(head=dict(centers=dict(_delete_=True, type='GaussianCenters', precision='class')))
