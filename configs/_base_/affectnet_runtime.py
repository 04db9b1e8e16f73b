_base_ = 'default_runtime.py'
# The held-out part is as imbalanced as the training part: accuracy would favour happiness.
default_hooks = dict(checkpoint=dict(save_best='fer/mean_class_accuracy'))
