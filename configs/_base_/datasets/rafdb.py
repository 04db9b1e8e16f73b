_base_ = 'fer_224.py'
import os  # noqa: E402 - above _base_ mmengine would take it for a lazy config

dataset = dict(type='RAFDB', data_root=os.environ.get('RAFDB_ROOT') or 'data/RAF-DB')
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)
