"""The fast path as a whole: every switch keeps the answer, and the losses can take it."""

from __future__ import annotations

import gc
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mmlogitkd.distiller import LogitDistiller
from mmlogitkd.losses import KDLoss, SDDLoss
from mmlogitkd.teacher import Teacher
from mmlogitkd.teacher.nested import difference
from mmlogitkd.teacher.trial import TOLERANCE
from tests.tiny import NUM_CLASSES, build, classifier_config, full_config

CONFIG = full_config(classifier_config(6))
SWITCHES = ('fuse', 'channels_last', 'inference_mode', 'skip_unused')
FUSED = '20 conv+BN fused (max difference '


def logits(model: Any, inputs: Tensor) -> Tensor:
    return model(inputs, mode='tensor')


def images(seed: int = 0, count: int = 4) -> Tensor:
    return torch.randn(count, 3, 16, 16, generator=torch.Generator().manual_seed(seed))


def teacher_of(fast: Any = True, config: dict = CONFIG) -> Teacher:
    """A teacher that is the same every time, with batch norms that do something."""
    torch.manual_seed(0)
    teacher = Teacher(config, init='random', fast=fast).build(build(classifier_config(4)))
    generator = torch.Generator().manual_seed(2)
    for module in teacher.model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                tensor.data.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
    return teacher


def plain_answer(inputs: Tensor) -> Tensor:
    return teacher_of(fast=False).score(logits, inputs)


def test_everything_is_off_on_request() -> None:
    teacher = teacher_of(fast=False)
    names = list(teacher.model.state_dict())
    answer = teacher.score(logits, images())
    assert teacher.fast_report == "the student's precision"
    assert list(teacher.model.state_dict()) == names and not answer.is_inference()
    with torch.no_grad():
        assert torch.equal(answer, logits(teacher.model, images()))


def test_without_changes_nothing_is_tried() -> None:
    calls = []
    teacher = teacher_of(dict.fromkeys(SWITCHES, False) | dict(precision='float32'))
    teacher.score(lambda model, x: calls.append(x), images())
    assert len(calls) == 1 and teacher.fast_report == 'float32'


@pytest.mark.parametrize('seed', [0, 1])
def test_the_defaults_keep_the_answer(seed: int) -> None:
    """On the batch of the proof, and on others."""
    teacher = teacher_of()
    teacher.score(logits, images())
    assert FUSED in teacher.fast_report
    assert teacher.fast_report.endswith("channels-last, inference mode, the student's precision")
    answer = teacher.score(logits, images(seed))
    assert 0 < difference(plain_answer(images(seed)), answer) <= TOLERANCE


@pytest.mark.parametrize('switch', SWITCHES)
def test_every_switch_by_itself(switch: str) -> None:
    teacher = teacher_of({name: name == switch for name in SWITCHES})
    answer = teacher.score(logits, images())
    assert difference(plain_answer(images()), answer) <= TOLERANCE
    words = dict(
        fuse=FUSED, channels_last='channels-last', inference_mode='inference mode', skip_unused=''
    )
    assert words[switch] in teacher.fast_report
    others = [word for name, word in words.items() if word and name != switch]
    assert not any(word in teacher.fast_report for word in others)
    assert answer.is_inference() == (switch == 'inference_mode')
    kernels = [m.weight for m in teacher.model.modules() if isinstance(m, nn.Conv2d)]
    arranged = [w.is_contiguous(memory_format=torch.channels_last) for w in kernels]
    assert all(arranged) == (switch == 'channels_last')


def test_the_first_batch_gets_the_answer_of_all_others() -> None:
    """So that a resumed run is one with an uninterrupted one."""
    teacher = teacher_of()
    first = teacher.score(logits, images())
    teacher.score(logits, images(1))
    assert torch.equal(teacher.score(logits, images()), first)


class Doubled(nn.Module):
    """A block that also keeps its norm outside of what it registers."""

    def __init__(self, plain: nn.Module) -> None:
        super().__init__()
        self.conv, self.norm = plain.conv1, plain.bn1
        self.hidden = [self.norm]

    def forward(self, x: Tensor) -> Tensor:
        return self.hidden[0](self.conv(x))


def test_what_changes_the_answer_is_undone() -> None:
    """Replacing the registered norm leaves the hidden one in use: the norm would count twice."""
    teacher = teacher_of(dict(channels_last=False))
    backbone: Any = teacher.model.backbone
    backbone.layer1[0].norm1.running_mean += 1
    block = Doubled(backbone.layer1[0])
    backbone.layer1[0] = block
    with torch.no_grad():
        plain = logits(teacher.model, images())
    weight = block.conv.weight
    answer = teacher.score(logits, images())
    assert ' conv+BN not fused (the answer changes)' in teacher.fast_report
    assert ' conv+BN fused ' in teacher.fast_report  # in other parts of the model
    assert difference(plain, answer) <= TOLERANCE
    assert block.conv.weight is weight and block.norm is block.hidden[0]


class Contiguous(nn.Module):
    """Like mmcv's deformable convolution, which insists on it."""

    def forward(self, x: Tensor) -> Tensor:
        if not x.is_contiguous():
            raise RuntimeError('input must be contiguous')
        return x


def test_a_memory_format_that_a_layer_refuses_is_undone() -> None:
    teacher = teacher_of()
    teacher.model.backbone.layer1.append(Contiguous())
    answer = teacher.score(logits, images())
    assert 'not channels-last (difference inf)' in teacher.fast_report
    assert difference(plain_answer(images()), answer) <= TOLERANCE
    teacher.score(logits, images(1))


def test_channels_last_by_itself_is_for_convolutional_networks() -> None:
    backbone = dict(type='VisionTransformer', arch='deit-tiny', img_size=16, patch_size=8)
    head = dict(type='VisionTransformerClsHead', num_classes=NUM_CLASSES, in_channels=192)
    config = classifier_config() | dict(backbone=backbone, neck=None, head=head)
    for wanted, word in (('auto', False), (True, True)):
        teacher = teacher_of(dict(channels_last=wanted), full_config(config))
        teacher.score(logits, images())
        assert ('channels-last' in teacher.fast_report) == word


def test_without_rows_nothing_is_settled() -> None:
    """An empty answer proves nothing; the next batch is waited for."""
    teacher = teacher_of()
    assert teacher.score(lambda model, x: logits(model, x)[:0], images()).shape == (0, NUM_CLASSES)
    assert teacher.fast_report == ''
    teacher.score(lambda model, x: None, images())
    assert teacher.fast_report == ''
    teacher.score(logits, images())
    assert FUSED in teacher.fast_report


def test_selected_classes_may_enter_autograd() -> None:
    teacher = teacher_of()
    answer = teacher.score(logits, images())
    student = torch.randn(4, NUM_CLASSES, requires_grad=True)
    with pytest.raises(RuntimeError, match='nference tensor'):
        (student * answer).sum().backward()
    scores = teacher.select_classes(answer)
    (student * scores).sum().backward()
    assert torch.equal(student.grad, answer)


def test_scoring_leaves_random_states_and_hooks_alone() -> None:
    teacher = teacher_of()
    before = torch.get_rng_state()
    teacher.score(lambda model, x: logits(model, x) + torch.rand(()) * 0, images())
    spent = torch.get_rng_state()
    torch.set_rng_state(before)
    torch.rand(())  # once per call of the function, whatever was tried
    assert torch.equal(torch.get_rng_state(), spent)
    for module in teacher.model.modules():
        assert not module._forward_hooks and not module._forward_pre_hooks


def test_nothing_of_the_proof_is_kept() -> None:
    """Not the plain answer, nor the weights before fusion; no cycle has to be collected."""
    teacher = teacher_of()
    gc.collect()
    gc.disable()
    try:
        teacher.score(logits, images())
        kinds = [type(thing).__name__ for thing in gc.get_objects()]
        tensors = sum(isinstance(thing, Tensor) for thing in gc.get_objects())
        gc.collect()
        left = sum(isinstance(thing, Tensor) for thing in gc.get_objects())
    finally:
        gc.enable()
    assert not {'Trial', 'Pairing', '_Output'} & set(kinds)
    assert tensors == left


def losses_of(fast: Any, scales: tuple[int, ...]) -> tuple[dict, Tensor]:
    """Terms of one training step of a classifier, and the gradient of its first layer."""
    from mmpretrain.structures import DataSample

    torch.manual_seed(0)
    student = build(classifier_config(4))
    terms = dict(loss_kd=KDLoss(), loss_sdd=SDDLoss(KDLoss(), scales=scales))
    distiller = LogitDistiller(Teacher(CONFIG, init='random', fast=fast), terms)
    distiller.attach(student)
    samples = [DataSample().set_gt_label(i % NUM_CLASSES) for i in range(4)]
    losses = student(images(), samples, mode='loss')
    sum(value for name, value in losses.items() if 'loss' in name).backward()
    distiller.detach()
    gradient = next(student.backbone.parameters()).grad
    return {name: float(value) for name, value in losses.items()}, gradient


@pytest.mark.parametrize(
    ('fast', 'tolerance'),
    [(True, 1e-4), (dict(precision='float32'), 1e-4), (dict(precision='bfloat16'), 0.1)],
)
def test_regions_train_the_student(fast: Any, tolerance: float) -> None:
    """SDD passes the teacher's map through its head after the teacher was asked."""
    plain, expected = losses_of(False, (1, 2))
    found, gradient = losses_of(fast, (1, 2))
    assert found == pytest.approx(plain, rel=tolerance)
    assert (gradient - expected).norm() <= tolerance * expected.norm()


def test_precision_is_the_teachers_own_or_the_students() -> None:
    seen = []

    def noting(model: Any, x: Tensor) -> Tensor:
        answer = logits(model, x)
        seen.append(answer.dtype)
        return answer

    exact = plain_answer(images())
    for precision, autocast, dtype, tolerance in (
        ('student', False, torch.float32, TOLERANCE),
        ('student', True, torch.bfloat16, 0.05),
        ('float32', True, torch.float32, TOLERANCE),
        ('bfloat16', False, torch.bfloat16, 0.05),
    ):
        teacher = teacher_of(dict(precision=precision))
        with torch.autocast('cpu', torch.bfloat16, enabled=autocast):
            answer = teacher.select_classes(teacher.score(noting, images()))
        assert seen[-1] == dtype  # the last run is the answer, those before are the proof
        assert answer.dtype == (dtype if precision == 'student' else torch.float32)
        assert difference(exact, answer.float()) <= tolerance
        assert FUSED in teacher.fast_report  # proven in float32, whatever runs


@pytest.mark.parametrize(
    'arguments',
    [dict(backend='aot_eager'), pytest.param(dict(), marks=pytest.mark.full, id='inductor')],
)
def test_backbones_are_compiled(arguments: dict) -> None:
    torch._dynamo.reset()
    teacher = teacher_of(dict(compile=arguments or True))
    torch._dynamo.utils.counters.clear()
    answer = teacher.score(logits, images())
    assert torch._dynamo.utils.counters['frames']['ok'] > 0
    assert 'backbone compiled' in teacher.fast_report
    assert difference(plain_answer(images()), answer) <= TOLERANCE
    smaller = teacher.score(logits, images(1, count=3))
    assert difference(plain_answer(images(1, count=3)), smaller) <= TOLERANCE
    torch._dynamo.reset()


def test_difference_is_relative_to_the_largest_magnitude() -> None:
    reference = dict(a=torch.tensor([2.0, -4.0]), b=[torch.zeros(2)])
    close = dict(a=torch.tensor([2.0, -4.5]), b=[torch.zeros(2)])
    assert difference(reference, reference) == 0
    assert difference(reference, close) == 0.125
    for other in (
        dict(a=torch.tensor([2.0]), b=[torch.zeros(2)]),
        dict(a=torch.tensor([2.0, torch.nan]), b=[torch.zeros(2)]),
        dict(a=torch.tensor([2.0, torch.inf]), b=[torch.zeros(2)]),
        dict(a=torch.tensor([2.0, -4.0]), b=[torch.full((2,), 1e-30)]),
        dict(a=torch.tensor([2.0, -4.0])),
    ):
        assert difference(reference, other) == float('inf')


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
def test_cuda() -> None:
    """Proven in true float32 where TF32 is allowed, and fast in half precision."""
    student = build(classifier_config(4)).cuda()
    allowed = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = True
    try:
        for precision, tolerance in (('float32', 1e-2), ('float16', 5e-2), ('bfloat16', 5e-2)):
            teachers = [
                Teacher(CONFIG, init='random', fast=fast).build(student)
                for fast in (False, dict(precision=precision))
            ]
            teachers[1].model.load_state_dict(teachers[0].model.state_dict())
            plain, answer = (teacher.score(logits, images().cuda()) for teacher in teachers)
            report = teachers[1].fast_report
            assert FUSED in report and ('channels-last' in report) == (precision != 'float32')
            assert difference(plain, teachers[1].select_classes(answer)) <= tolerance
        assert torch.backends.cudnn.allow_tf32
        teacher = Teacher(CONFIG, init='random').build(student)
        with torch.autocast('cuda', torch.float16):
            teacher.score(logits, images().cuda())
        assert 'channels-last' in teacher.fast_report
    finally:
        torch.backends.cudnn.allow_tf32 = allowed
