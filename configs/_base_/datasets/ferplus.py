_base_ = 'fer_224.py'
import os  # noqa: E402 - above _base_ mmengine would take it for a lazy config

dataset = dict(type='FERPlus', data_root=os.environ.get('FERPLUS_ROOT') or 'data/FERPlus')
train_dataloader = dict(dataset=dict(pipeline={{_base_.train_grey_224px}}, **dataset))
val_dataloader = dict(dataset=dict(pipeline={{_base_.test_grey_224px}}, **dataset))
test_dataloader = dict(dataset=dict(pipeline={{_base_.test_grey_224px}}, **dataset))
