"""The CIFAR networks of the distillation literature."""

from .cifar_resnet import CIFARResNet

__all__ = ['CIFARResNet']
