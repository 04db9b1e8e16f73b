_base_ = ['affectnet8.py', '../pipelines/augmented.py']
train_dataloader = dict(dataset=dict(pipeline={{_base_.augmented_224px}}))
