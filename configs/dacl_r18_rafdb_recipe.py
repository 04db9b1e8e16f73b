_base_ = [
    '_base_/models/dacl_r18.py',
    '_base_/datasets/rafdb_augmented.py',
    '_base_/schedules/finetune_30e.py',
    '_base_/recipe_runtime.py',
]
data_preprocessor = dict(batch_augments=dict(augments=dict(type='OwnMixup', alpha=0.2)))
model = dict(head=dict(loss=dict(type='LabelSmoothLoss', num_classes=7, label_smooth_val=0.1)))
