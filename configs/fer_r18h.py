# The model that ships (dacl_mm/weights/README.md).
_base_ = 'softmax_r18h_ferplus_publictest.py'
train_cfg = dict(max_epochs=40)
