_base_ = 'fer_224.py'
import os  # noqa: E402 - above _base_ mmengine would take it for a lazy config

dataset = dict(type='FER2013', data_root=os.environ.get('FER2013_ROOT') or 'data/FER2013')
train_dataloader = dict(dataset=dict(pipeline={{_base_.train_grey_224px}}, **dataset))
val_dataloader = dict(dataset=dict(pipeline={{_base_.test_grey_224px}}, **dataset))
test_dataloader = dict(dataset=dict(pipeline={{_base_.test_grey_224px}}, **dataset))
