# The control: as many parameters, added to the embedding instead of weighing it.
_base_ = 'ratio_fixed_r18.py'
model = dict(head=dict(residual=dict(type='StatisticsMLP')))
