# The control: all dimensions weigh alike.
_base_ = 'ratio_r18.py'
model = dict(head=dict(attention=dict(type='ConstantAttention', value=1.0)))
