# The recipe on all of FER+, half width, tested on PublicTest.
_base_ = '../softmax_r18h_ferplus_publictest.py'
methods = dict(
    softmax=dict(model='_base_/models/softmax_r18h.py'),
    center=dict(model='_base_/models/center_r18h.py'),
    dacl=dict(model='_base_/models/dacl_r18h.py'),
)
