# The recipe on all of FER+, half width, tested on PublicTest.
_base_ = ['../softmax_r18h_ferplus_publictest.py', '../_base_/half_width.py']
methods = dict(
    softmax=dict(model='_base_/models/softmax_r18h.py'),
    center=dict(model='_base_/models/center_r18h.py'),
    dacl=dict(model='_base_/models/dacl_r18h.py'),
    ratio=dict(model='_base_/models/ratio_r18.py', options={{_base_.half_width_centers}}),
    ratio_fixed=dict(model='_base_/models/ratio_fixed_r18.py', options={{_base_.half_width_centers}}),
)
