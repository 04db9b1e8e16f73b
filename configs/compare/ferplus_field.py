_base_ = ['../_base_/field_methods.py', '../softmax_r18_ferplus.py']
