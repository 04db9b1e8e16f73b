# What the centers alone predict under each attention, for tools/compare_heads.py (docs/losses.md).
_base_ = 'ferplus_48px.py'
methods = dict(
    _delete_=True,
    ratio_fixed=dict(model='_base_/models/ratio_fixed_r18.py', options={{_base_.half_width_gate.lr1}}),
    ratio=dict(model='_base_/models/ratio_r18.py', options={{_base_.half_width_gate.lr1}}),
    ratio_lr10=dict(model='_base_/models/ratio_r18.py', options={{_base_.half_width_gate.lr10}}),
    ratio_lr100=dict(model='_base_/models/ratio_r18.py', options={{_base_.half_width_gate.lr100}}),
    ratio_global=dict(model='_base_/models/ratio_global_r18.py', options={{_base_.half_width_gate.lr1}}),
    ratio_global_lr100=dict(
        model='_base_/models/ratio_global_r18.py', options={{_base_.half_width_gate.lr100}}
    ),
    ratio_shuffled=dict(model='_base_/models/ratio_shuffled_r18.py', options={{_base_.half_width_gate.lr1}}),
    ratio_shuffled_lr100=dict(
        model='_base_/models/ratio_shuffled_r18.py', options={{_base_.half_width_gate.lr100}}
    ),
    ratio_mlp=dict(model='_base_/models/ratio_mlp_r18.py', options={{_base_.half_width_gate.lr1}}),
    precision_fixed=dict(
        model='_base_/models/precision_fixed_r18.py', options={{_base_.half_width_gate.lr1}}
    ),
    precision_shared=dict(
        model='_base_/models/precision_shared_r18.py', options={{_base_.half_width_gate.lr1}}
    ),
    precision=dict(model='_base_/models/precision_r18.py', options={{_base_.half_width_gate.lr1}}),
    softmax=dict(model='_base_/models/softmax_r18h.py'),
)
