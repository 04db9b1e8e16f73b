# The control: one learned weight per dimension for all images.
_base_ = 'ratio_r18.py'
model = dict(head=dict(attention=dict(type='GlobalAttention')))
