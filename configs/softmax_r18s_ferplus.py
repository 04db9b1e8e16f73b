_base_ = [
    '_base_/models/softmax_r18s.py',
    '_base_/datasets/ferplus_48px.py',
    '_base_/schedules/recipe_100e.py',
    '_base_/recipe_runtime.py',
]
data_preprocessor = dict(batch_augments=dict(augments=dict(type='OwnMixup', alpha=0.2)))
