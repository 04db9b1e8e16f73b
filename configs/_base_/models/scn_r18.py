# Self-cure network: importance of each image, and corrected labels (docs/losses.md).
_base_ = 'softmax_r18.py'
model = dict(head=dict(type='SelfCureHead', margin=0.07, high_share=0.7, relabel_epoch=9, relabel_margin=0.2))
