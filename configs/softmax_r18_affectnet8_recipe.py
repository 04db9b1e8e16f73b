_base_ = [
    '_base_/models/softmax_r18.py',
    '_base_/datasets/affectnet8_augmented.py',
    '_base_/schedules/finetune_30e.py',
    '_base_/recipe_runtime.py',
]
selection_metric = 'fer/mean_class_accuracy'
data_preprocessor = dict(num_classes=8, batch_augments=dict(augments=dict(type='OwnMixup', alpha=0.2)))
model = dict(head=dict(num_classes=8, loss=dict(type='LabelSmoothLoss', num_classes=8, label_smooth_val=0.1)))
