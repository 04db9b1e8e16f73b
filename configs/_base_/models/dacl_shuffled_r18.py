# The control: DACL whose attention is that of another sample of the batch.
_base_ = 'dacl_r18.py'
model = dict(head=dict(attention=dict(type='ShuffledAttention')))
