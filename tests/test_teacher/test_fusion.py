"""Which batch norms are folded into which convolutions, and that the answer stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmlogitkd.backbones import CIFARMobileNetV2, CIFARResNet, CIFARWideResNet
from mmlogitkd.teacher.fusion import Pairing, fuse


class Net(nn.Module):
    """Two convolutions and two norms, put together by a function."""

    def __init__(self, compute: Callable[[Any, Tensor], Tensor], **changes: nn.Module) -> None:
        super().__init__()
        self.compute = compute
        self.conv, self.other = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 1)
        self.norm, self.second = nn.BatchNorm2d(4), nn.BatchNorm2d(4)
        for name, module in changes.items():
            setattr(self, name, module)

    def forward(self, x: Tensor) -> Tensor:
        return self.compute(self, x)


def settled(model: nn.Module) -> nn.Module:
    """In eval mode, with batch norms that do something."""
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.affine:
            for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                if tensor is not None:
                    tensor.data.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
    return model.eval().requires_grad_(False)


def pairs_of(model: nn.Module, x: Tensor) -> dict:
    pairing = Pairing(model)
    with torch.no_grad(), pairing.following():
        model(x)
    return pairing.pairs()


def images(size: int = 8, channels: int = 4) -> Tensor:
    return torch.randn(2, channels, size, size, generator=torch.Generator().manual_seed(1))


PLAIN = dict(
    plain=(lambda m, x: m.norm(m.conv(x)), {}),
    twice=(lambda m, x: m.norm(m.conv(m.norm(m.conv(x)))), {}),
    depthwise=(lambda m, x: m.norm(m.conv(x)), dict(conv=nn.Conv2d(4, 4, 3, groups=4))),
    without_bias=(lambda m, x: m.norm(m.conv(x)), dict(conv=nn.Conv2d(4, 4, 3, bias=False))),
    without_affine=(lambda m, x: m.norm(m.conv(x)), dict(norm=nn.BatchNorm2d(4, affine=False))),
    sync=(lambda m, x: m.norm(m.conv(x)), dict(norm=nn.SyncBatchNorm(4))),
    after_relu=(lambda m, x: m.norm(m.conv(m.second(x).relu_())), {}),
    sizes_asked=(lambda m, x: m.norm(m.probe(m.conv(x))), dict(probe=nn.Identity())),
)


@pytest.mark.parametrize('name', PLAIN)
def test_a_pair_is_folded_with_the_same_answer_and_can_be_undone(name: str) -> None:
    compute, changes = PLAIN[name]
    model, x = settled(Net(compute, **changes)), images()
    plain, before = model(x), dict(model.named_modules())
    weight = model.conv.weight
    pairs = pairs_of(model, x)
    assert pairs == {model.conv: before['norm']}
    undo = fuse(model, pairs)
    assert isinstance(model.norm, nn.Identity) and not model.norm.training
    assert not model.conv.weight.requires_grad
    assert not torch.equal(model.conv.weight, weight)
    torch.testing.assert_close(model(x), plain, rtol=1e-5, atol=1e-5)
    undo()
    assert torch.equal(model(x), plain) and dict(model.named_modules()) == before


NOT_PAIRS = dict(
    norm_first=lambda m, x: m.conv(m.norm(x)),
    shared_by_two_norms=lambda m, x: m.norm(m.conv(x)) + m.second(m.conv(x)),
    norm_of_two_convolutions=lambda m, x: m.norm(m.conv(x)) + m.norm(m.other(x)),
    norm_of_something_else_too=lambda m, x: m.norm(m.conv(x)) + m.norm(x),
    concatenation=lambda m, x: m.norm(torch.cat([m.conv(x)[:, :2], m.other(x)[:, :2]], 1)),
    used_twice=lambda m, x: (y := m.conv(x)) + m.norm(y),
    convolution_alone_elsewhere=lambda m, x: m.norm(m.conv(x)) + m.conv(x),
    changed_in_place=lambda m, x: m.norm(F.relu(m.conv(x), inplace=True)),
    added_in_place=lambda m, x: m.norm(m.conv(x).add_(x)),
    viewed=lambda m, x: m.norm(m.conv(x).flip(2)),
)


@pytest.mark.parametrize('name', NOT_PAIRS)
def test_what_is_no_pair_is_left_alone(name: str) -> None:
    assert not pairs_of(settled(Net(NOT_PAIRS[name])), images())


def test_other_layers_are_left_alone() -> None:
    batch_statistics = nn.BatchNorm2d(4, track_running_stats=False)
    for changes in (
        dict(conv=nn.ConvTranspose2d(4, 4, 3)),
        dict(norm=batch_statistics),
        dict(norm=nn.GroupNorm(2, 4)),
        dict(conv=nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 4, 3))),
        dict(conv=nn.utils.spectral_norm(nn.Conv2d(4, 4, 3))),
    ):
        model = settled(Net(lambda m, x: m.norm(m.conv(x)), **changes))
        assert not pairs_of(model, images())
    hooked = settled(Net(lambda m, x: m.norm(m.conv(x))))
    hooked.norm.register_forward_hook(lambda module, args, output: output * 2)
    assert not pairs_of(hooked, images())
    training = settled(Net(lambda m, x: m.norm(m.conv(x))))
    training.norm.train()
    assert not pairs_of(training, images())


@pytest.mark.parametrize(
    ('model', 'folded', 'norms'),
    [
        (CIFARResNet(8, (8, 8, 16, 32)), 9, 9),
        (CIFARWideResNet(10, 2), 4, 7),  # the norm within each block, and the one after the stem
        (CIFARMobileNetV2(0.5), 53, 53),
    ],
)
def test_networks(model: nn.Module, folded: int, norms: int) -> None:
    settled(model)
    x = images(32, 3)
    assert sum(isinstance(m, nn.BatchNorm2d) for m in model.modules()) == norms
    plain, pairs = model(x)[0], pairs_of(model, x)
    assert len(pairs) == folded
    fuse(model, pairs)
    assert sum(isinstance(m, nn.BatchNorm2d) for m in model.modules()) == norms - folded
    torch.testing.assert_close(model(x)[0], plain, rtol=1e-4, atol=1e-5 * plain.abs().max().item())


def test_mmcvs_conv_module() -> None:
    bricks = pytest.importorskip('mmcv.cnn')
    model = settled(bricks.ConvModule(4, 6, 3, norm_cfg=dict(type='BN')))
    plain, pairs = model(images()), pairs_of(model, images())
    fuse(model, pairs)
    assert isinstance(model.norm, nn.Identity) and len(pairs) == 1
    torch.testing.assert_close(model(images()), plain, rtol=1e-5, atol=1e-5)


def test_nothing_stays_on_the_model() -> None:
    model = settled(Net(lambda m, x: m.norm(m.conv(x))))
    pairs_of(model, images())
    with pytest.raises(RuntimeError), Pairing(model).following():
        model(images(channels=3))
    for module in model.modules():
        assert not module._forward_hooks and not module._forward_pre_hooks
