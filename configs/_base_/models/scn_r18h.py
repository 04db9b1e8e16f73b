# Self-cure network (docs/losses.md) on the half-width network for small faces.
_base_ = 'softmax_r18h.py'
model = dict(head=dict(type='SelfCureHead', margin=0.07, high_share=0.7, relabel_epoch=9, relabel_margin=0.2))
