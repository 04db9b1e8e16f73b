# What tools/compare.py compares: each method replaces the model, everything else is shared.
methods = dict(
    softmax=dict(model='_base_/models/softmax_r18.py'),
    label_smooth=dict(model='_base_/models/label_smooth_r18.py'),
    focal=dict(model='_base_/models/focal_r18.py'),
    arcface=dict(model='_base_/models/arcface_r18.py'),
    center=dict(model='_base_/models/center_r18.py'),
    dacl=dict(model='_base_/models/dacl_r18.py'),
    dacl_fixed=dict(model='_base_/models/dacl_fixed_r18.py'),
    dacl_shuffled=dict(model='_base_/models/dacl_shuffled_r18.py'),
)
