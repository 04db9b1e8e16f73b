from .se_resnet_cifar import SEResNetCIFAR

__all__ = ['SEResNetCIFAR']
