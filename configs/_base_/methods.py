# What tools/compare.py compares: each method replaces the model, everything else is shared.
# Centres that are trained by gradient have no weight decay.
no_decay = {'optim_wrapper.paramwise_cfg.custom_keys.centers.decay_mult': 0.0}
methods = dict(
    softmax=dict(model='_base_/models/softmax_r18.py'),
    label_smooth=dict(model='_base_/models/label_smooth_r18.py'),
    focal=dict(model='_base_/models/focal_r18.py'),
    arcface=dict(model='_base_/models/arcface_r18.py'),
    center=dict(model='_base_/models/center_r18.py'),
    dacl=dict(model='_base_/models/dacl_r18.py'),
    dacl_fixed=dict(model='_base_/models/dacl_fixed_r18.py'),
    dacl_shuffled=dict(model='_base_/models/dacl_shuffled_r18.py'),
    ratio=dict(model='_base_/models/ratio_r18.py', options=no_decay),
    ratio_fixed=dict(model='_base_/models/ratio_fixed_r18.py', options=no_decay),
    ratio_global=dict(model='_base_/models/ratio_global_r18.py', options=no_decay),
    ratio_shuffled=dict(model='_base_/models/ratio_shuffled_r18.py', options=no_decay),
    ratio_mlp=dict(model='_base_/models/ratio_mlp_r18.py', options=no_decay),
    precision=dict(model='_base_/models/precision_r18.py', options=no_decay),
    precision_shared=dict(model='_base_/models/precision_shared_r18.py', options=no_decay),
    precision_fixed=dict(model='_base_/models/precision_fixed_r18.py', options=no_decay),
)
