# The control: each image has the weights of another one, in training and test.
_base_ = 'ratio_r18.py'
model = dict(
    head=dict(attention=dict(_delete_=True, type='BankAttention', attention=dict(type='StatisticsAttention')))
)
