# Logits drawn from a Gaussian in training: POSTER-Var's head (docs/losses.md).
_base_ = 'softmax_r18.py'
model = dict(head=dict(type='VarianceHead'))
