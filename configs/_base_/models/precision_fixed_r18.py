# The control: every precision is 1.
_base_ = 'precision_r18.py'
model = dict(head=dict(centers=dict(precision='fixed')))
