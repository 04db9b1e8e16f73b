_base_ = 'fer_224.py'
dataset = dict(type='FERFolder', data_root='{{$FER_FOLDER_ROOT:data/fer}}')
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)
