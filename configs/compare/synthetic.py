_base_ = ['../_base_/methods.py', '../softmax_r18_synthetic.py']
