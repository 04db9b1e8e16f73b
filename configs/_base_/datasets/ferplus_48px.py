# FER+ in its own size, by the recipe; the votes are the targets. Validation and test go by the majority.
_base_ = ['ferplus.py', '../pipelines/augmented.py']
train_dataloader = dict(batch_size=128, dataset=dict(label_mode='votes', pipeline={{_base_.augmented_48px}}))
val_dataloader = dict(batch_size=256, dataset=dict(pipeline={{_base_.plain_48px}}))
test_dataloader = dict(batch_size=256, dataset=dict(pipeline={{_base_.plain_48px}}))
tta_model = dict(type='AverageClsScoreTTA')
tta_pipeline = {{_base_.views_48px}}
