# Trained on FER+'s Training part alone, tested once on PublicTest, whose copies among the training images
# are left out. PrivateTest is not touched.
_base_ = 'softmax_r18h_ferplus.py'
dataset = dict(
    test_part='PublicTest',
    exclude_file='{{ fileDirname }}/_base_/datasets/ferplus_publictest_leaks.txt',
)
train_dataloader = dict(num_workers=1, dataset=dataset)
val_dataloader = dict(num_workers=1, dataset=dataset)
test_dataloader = dict(num_workers=1, dataset=dataset)
