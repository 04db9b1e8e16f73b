_base_ = [
    '../_base_/models/softmax_r18.py',
    '../_base_/datasets/ferplus_64px.py',
    '../_base_/schedules/scratch_5e.py',
    '../_base_/default_runtime.py',
]
# bfloat16, which a CPU with AVX-512 BF16 computes 1.7 times as fast; validation and test are in float32.
optim_wrapper = dict(type='BFloat16OptimWrapper')
methods = dict(
    softmax=dict(model='_base_/models/softmax_r18.py'),
    center=dict(model='_base_/models/center_r18.py'),
    dacl=dict(model='_base_/models/dacl_r18.py'),
    dacl_fixed=dict(model='_base_/models/dacl_fixed_r18.py'),
    dacl_shuffled=dict(model='_base_/models/dacl_shuffled_r18.py'),
)
