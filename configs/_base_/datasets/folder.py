_base_ = 'fer_224.py'
import os  # noqa: E402 - above _base_ mmengine would take it for a lazy config

dataset = dict(type='FERFolder', data_root=os.environ.get('FER_FOLDER_ROOT') or 'data/fer')
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)
