_base_ = [
    '_base_/models/dacl_r18.py',
    '_base_/datasets/synthetic.py',
    '_base_/schedules/demo_3e.py',
    '_base_/default_runtime.py',
]
