_base_ = [
    '_base_/models/dacl_r18.py',
    '_base_/datasets/affectnet7_augmented.py',
    '_base_/schedules/finetune_30e.py',
    '_base_/recipe_runtime.py',
]
selection_metric = 'fer/mean_class_accuracy'
data_preprocessor = dict(batch_augments=dict(augments=dict(type='OwnMixup', alpha=0.2)))
model = dict(head=dict(loss=dict(type='LabelSmoothLoss', num_classes=7, label_smooth_val=0.1)))
