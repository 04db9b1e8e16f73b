_base_ = ['../_base_/methods.py', '../softmax_r18_rafdb.py']
