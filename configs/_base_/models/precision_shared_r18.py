# The control: all classes have one precision.
_base_ = 'precision_r18.py'
model = dict(head=dict(centers=dict(precision='shared')))
