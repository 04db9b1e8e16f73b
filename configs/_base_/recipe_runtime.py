_base_ = 'default_runtime.py'
# Validated and saved is a running average of the weights.
default_hooks = dict(ema=dict(type='WeightAverageHook', decay=0.999))
