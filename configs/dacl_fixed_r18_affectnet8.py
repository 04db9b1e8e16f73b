_base_ = [
    '_base_/models/dacl_fixed_r18.py',
    '_base_/datasets/affectnet8.py',
    '_base_/schedules/affectnet_20e.py',
    '_base_/affectnet_runtime.py',
]
data_preprocessor = dict(num_classes=8)
model = dict(head=dict(num_classes=8))
