# Those of methods.py, and the field's losses and heads (docs/losses.md). Each adds runs, and tests to
# correct for.
_base_ = 'methods.py'
# Centres that are trained by gradient have no weight decay.
no_decay = {'optim_wrapper.paramwise_cfg.custom_keys.centers.decay_mult': 0.0}
methods = dict(
    logit_adjusted=dict(model='_base_/models/logit_adjusted_r18.py'),
    affinity=dict(model='_base_/models/affinity_r18.py'),
    island=dict(model='_base_/models/island_r18.py'),
    lgm=dict(model='_base_/models/lgm_r18.py'),
    variance=dict(model='_base_/models/variance_r18.py'),
    rul=dict(model='_base_/models/rul_r18.py'),
    scn=dict(model='_base_/models/scn_r18.py'),
    eac=dict(model='_base_/models/eac_r18.py'),
    mek=dict(model='_base_/models/mek_r18.py'),
    ratio=dict(model='_base_/models/ratio_r18.py', options=no_decay),
    ratio_fixed=dict(model='_base_/models/ratio_fixed_r18.py', options=no_decay),
    ratio_global=dict(model='_base_/models/ratio_global_r18.py', options=no_decay),
    ratio_shuffled=dict(model='_base_/models/ratio_shuffled_r18.py', options=no_decay),
    ratio_mlp=dict(model='_base_/models/ratio_mlp_r18.py', options=no_decay),
    precision=dict(model='_base_/models/precision_r18.py', options=no_decay),
    precision_shared=dict(model='_base_/models/precision_shared_r18.py', options=no_decay),
    precision_fixed=dict(model='_base_/models/precision_fixed_r18.py', options=no_decay),
)
