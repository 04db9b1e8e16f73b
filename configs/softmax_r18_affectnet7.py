_base_ = [
    '_base_/models/softmax_r18.py',
    '_base_/datasets/affectnet7.py',
    '_base_/schedules/affectnet_20e.py',
    '_base_/affectnet_runtime.py',
]
