_base_ = [
    '_base_/models/dacl_fixed_r18.py',
    '_base_/datasets/ferplus.py',
    '_base_/schedules/dacl_60e.py',
    '_base_/default_runtime.py',
]
