_base_ = ['../_base_/methods.py', '../softmax_r18_synthetic.py']
size_64px = {'model.head.feat_size': 2}
methods = dict(
    dacl=dict(options=size_64px),
    dacl_fixed=dict(options=size_64px),
    dacl_shuffled=dict(options=size_64px),
)
