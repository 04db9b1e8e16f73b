# The field's losses and heads on the recipe's half-width network (docs/losses.md).
_base_ = 'ferplus_48px.py'
methods = dict(
    focal=dict(model='_base_/models/focal_r18.py', options={{_base_.half_width}}),
    arcface=dict(model='_base_/models/arcface_r18.py', options={{_base_.half_width}}),
    logit_adjusted=dict(model='_base_/models/logit_adjusted_r18.py', options={{_base_.half_width}}),
    affinity=dict(model='_base_/models/affinity_r18.py', options={{_base_.half_width_wrapped}}),
    island=dict(model='_base_/models/island_r18.py', options={{_base_.half_width_wrapped}}),
    lgm=dict(model='_base_/models/lgm_r18.py', options={{_base_.half_width}}),
    variance=dict(model='_base_/models/variance_r18.py', options={{_base_.half_width}}),
    rul=dict(model='_base_/models/rul_r18.py', options={{_base_.half_width}}),
    scn=dict(model='_base_/models/scn_r18.py', options={{_base_.half_width_labels}}),
    eac=dict(model='_base_/models/eac_r18.py', options={{_base_.half_width}}),
    mek=dict(model='_base_/models/mek_r18.py', options={{_base_.half_width}}),
    ratio_global=dict(model='_base_/models/ratio_global_r18.py', options={{_base_.half_width_centers}}),
    ratio_shuffled=dict(model='_base_/models/ratio_shuffled_r18.py', options={{_base_.half_width_centers}}),
    ratio_mlp=dict(model='_base_/models/ratio_mlp_r18.py', options={{_base_.half_width_centers}}),
    precision=dict(model='_base_/models/precision_r18.py', options={{_base_.half_width_centers}}),
    precision_shared=dict(
        model='_base_/models/precision_shared_r18.py', options={{_base_.half_width_centers}}
    ),
    precision_fixed=dict(model='_base_/models/precision_fixed_r18.py', options={{_base_.half_width_centers}}),
)
