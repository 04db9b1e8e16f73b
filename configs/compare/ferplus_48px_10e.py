# The recipe in 10 epochs, 1 of them warm-up: what CPUs train in hours.
_base_ = 'ferplus_48px.py'
train_cfg = dict(max_epochs=10)
param_scheduler = [
    dict(type='CosineAnnealingLR', eta_min=0.0, by_epoch=True, convert_to_iter_based=True),
    dict(type='LinearLR', start_factor=0.01, by_epoch=True, end=1, convert_to_iter_based=True),
]
# What the centers say counts as much as the classifier, or not at all. Softmax with the prior taken out at
# test, as far as the held-out part allows, and by half: as much as centers that know no prior take out of
# the mean with a classifier that does. The latter four are not trained: they test what is.
both = {'model.head.predict_by': 'both'}
classifier = {'model.head.predict_by': 'classifier'}
methods = dict(
    ratio=dict(options=both),
    ratio_fixed=dict(options=both),
    softmax_adjusted=dict(weights_of='softmax', options=dict(logit_adjustment=True)),
    softmax_half_adjusted=dict(weights_of='softmax', options=dict(logit_adjustment=0.5)),
    ratio_classifier=dict(weights_of='ratio', options=classifier),
    ratio_fixed_classifier=dict(weights_of='ratio_fixed', options=classifier),
)
del both, classifier
