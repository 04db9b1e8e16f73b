_base_ = ['../_base_/field_methods.py', '../softmax_r18_affectnet7.py']
