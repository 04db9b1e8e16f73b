# Where, if anywhere, the attention starts to matter: DACL and its fixed control over lambda and alpha.
_base_ = 'ferplus_64px.py'
methods = dict(
    _delete_=True,
    softmax=dict(model='_base_/models/softmax_r18.py'),
    **{
        f'{name}_lambda{weight}_alpha{alpha}': dict(
            model=f'_base_/models/{name}_r18.py',
            options={
                'model.head.loss_center.loss_weight': weight,
                'model.head.loss_center.alpha': alpha,
            },
        )
        for weight in (0.01, 0.1, 1.0)
        for alpha in (0.1, 0.5)
        for name in ('dacl', 'dacl_fixed')
    },
)
