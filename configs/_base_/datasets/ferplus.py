_base_ = 'fer_224.py'
dataset = dict(type='FERPlus', data_root='{{$FERPLUS_ROOT:data/FERPlus}}')
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)
