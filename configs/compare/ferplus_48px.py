# The recipe on all of FER+, half width, tested on PublicTest, whose copies among the training images are
# left out.
_base_ = '../softmax_r18h_ferplus.py'
dataset = dict(
    test_part='PublicTest',
    exclude_file='{{ fileDirname }}/../_base_/datasets/ferplus_publictest_leaks.txt',
)
train_dataloader = dict(num_workers=1, dataset=dataset)
val_dataloader = dict(num_workers=1, dataset=dataset)
test_dataloader = dict(num_workers=1, dataset=dataset)
methods = dict(
    softmax=dict(model='_base_/models/softmax_r18h.py'),
    center=dict(model='_base_/models/center_r18h.py'),
    dacl=dict(model='_base_/models/dacl_r18h.py'),
)
