# The control: DACL with its attention held at 0.5.
_base_ = 'dacl_r18.py'
model = dict(head=dict(attention=dict(_delete_=True, type='ConstantAttention', value=0.5)))
