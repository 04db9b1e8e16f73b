_base_ = 'softmax_r18.py'
model = dict(head=dict(loss=dict(type='LabelSmoothLoss', label_smooth_val=0.1, num_classes=7)))
