from .pretrained import PretrainedBackbone

__all__ = ['PretrainedBackbone']
