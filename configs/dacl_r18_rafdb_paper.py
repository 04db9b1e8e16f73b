# Paper protocol: trained on all training images, and the best epoch is picked on
# the test split, as the published numbers are. Optimistic; never mix it with
# held-out results.
_base_ = 'dacl_r18_rafdb.py'
protocol = 'paper protocol'
train_dataloader = dict(dataset=dict(split='trainval'))
val_dataloader = dict(dataset=dict(split='test'))
