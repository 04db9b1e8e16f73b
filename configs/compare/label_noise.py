# What wrong training labels cost: 0, 10, 20 and 30 % of them changed to another class, and each label drawn
# from the image's votes. All learn hard labels, and nothing is mixed: SCN corrects labels one by one.
_base_ = 'ferplus_48px.py'
train_cfg = dict(max_epochs=20)
data_preprocessor = dict(batch_augments=None)
train_dataloader = dict(dataset=dict(label_mode='majority'))
noise = 'train_dataloader.dataset.label_noise'
files = dict(
    softmax='_base_/models/softmax_r18h.py',
    dacl='_base_/models/dacl_r18h.py',
    scn='_base_/models/scn_r18h.py',
)
methods = dict(
    _delete_=True,
    **{name: dict(model=model) for name, model in files.items()},
    **{
        f'{name}_{percent}': dict(
            model=model, options={noise: dict(kind='symmetric', share=percent / 100, seed=0)}
        )
        for percent in (10, 20, 30)
        for name, model in files.items()
    },
    **{
        f'{name}_votes': dict(
            model=model,
            options={
                'train_dataloader.dataset.label_mode': 'votes',
                noise: dict(kind='votes', seed=0),
            },
        )
        for name, model in files.items()
    },
)
