_base_ = 'fer_224.py'
dataset = dict(type='RAFDB', data_root='{{$RAFDB_ROOT:data/RAF-DB}}')
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)
