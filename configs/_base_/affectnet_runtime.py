_base_ = 'default_runtime.py'
# The held-out part is as imbalanced as the training part: accuracy would favour happiness.
selection_metric = 'fer/mean_class_accuracy'
