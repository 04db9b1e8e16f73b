_base_ = 'fer_224.py'
dataset = dict(type='FER2013', data_root='{{$FER2013_ROOT:data/FER2013}}')
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)
