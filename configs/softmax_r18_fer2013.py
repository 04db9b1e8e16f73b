_base_ = [
    '_base_/models/softmax_r18.py',
    '_base_/datasets/fer2013.py',
    '_base_/schedules/dacl_60e.py',
    '_base_/default_runtime.py',
]
