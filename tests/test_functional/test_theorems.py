"""Special cases that equal another loss, and changes of the logits that change nothing."""

import math

import pytest
import torch
from torch.autograd import gradcheck

from mmlogitkd.functional import (
    binary_kd_loss,
    dist_loss,
    dkd_loss,
    gdkd_loss,
    kd_loss,
    ldrld_loss,
    luminet_loss,
    mlkd_loss,
    nkd_loss,
    perception,
    rld_loss,
    sdd_loss,
    standardize,
    ttm_loss,
    wttm_loss,
)
from mmlogitkd.functional.ldrld import pair_weights


def same(first, second, student):
    """Two functions of the student's logits agree in value and gradient."""
    results = []
    for function in (first, second):
        leaf = student.clone().requires_grad_()
        value = function(leaf)
        results.append((value.detach(), torch.autograd.grad(value.sum(), leaf)[0]))
    torch.testing.assert_close(results[0], results[1], rtol=1e-9, atol=1e-10)
    assert results[0][0].abs().sum() > 0


def not_the_label(teacher, target, temperature):
    return 1 - (teacher / temperature).softmax(-1).gather(-1, target[:, None]).squeeze(-1)


def test_dkd_with_the_teachers_own_weight_is_kd(batch):
    student, teacher, target = batch(6, 5)
    # KL(t || s) = KL of (p_y, 1 - p_y) + (1 - p_y) · KL of the others
    for row, beta in enumerate(not_the_label(teacher, target, 2.0).tolist()):
        same(
            lambda s, row=row, beta=beta: dkd_loss(s, teacher, target, 1.0, beta, 2.0)[row],
            lambda s, row=row: kd_loss(s, teacher, 2.0)[row],
            student,
        )


def test_gdkd_with_the_teachers_own_weights_is_kd(batch):
    student, teacher, _ = batch(6, 5)
    for row, top in enumerate((teacher / 2).softmax(-1).topk(3).values.sum(-1).tolist()):
        same(
            lambda s, row=row, top=top: gdkd_loss(s, teacher, 3, 1.0, top, 1 - top, 2.0)[row],
            lambda s, row=row: kd_loss(s, teacher, 2.0)[row],
            student,
        )


def test_gdkd_of_one_class_is_dkd_of_the_teachers_answer(batch):
    student, teacher, _ = batch(6, 5)
    same(
        lambda s: gdkd_loss(s, teacher, 1, 0.7, 2.0, 3.0, 2.0),
        lambda s: dkd_loss(s, teacher, teacher.argmax(-1), 0.7, 3.0, 2.0),
        student,
    )


def test_gdkd_of_all_classes_is_kd(batch):
    student, teacher, _ = batch(6, 5)
    same(
        lambda s: gdkd_loss(s, teacher, 5, 1.0, 2.0, 8.0, 2.0),
        lambda s: 2 * kd_loss(s, teacher, 2.0),
        student,
    )


def test_rld_of_a_right_teacher_is_dkd(batch):
    student, teacher, _ = batch(6, 5)
    target = teacher.argmax(-1)
    same(
        lambda s: rld_loss(s, teacher, target, 0.7, 3.0, 2.0, 2.0),
        lambda s: dkd_loss(s, teacher, target, 0.7, 3.0, 2.0),
        student,
    )


def test_rld_of_a_teacher_that_puts_the_label_last_has_confidence_only(batch):
    student, teacher, _ = batch(6, 5)
    target = teacher.argmin(-1)
    same(
        lambda s: rld_loss(s, teacher, target, 1.0, 8.0, 4.0),
        lambda s: rld_loss(s, teacher, target, 1.0, 0.0, 4.0),
        student,
    )


def test_ldrld_of_one_class_is_the_students_other_classes(batch):
    student, teacher, _ = batch(6, 5)
    same(
        lambda s: ldrld_loss(s, teacher, depth=1, alpha=9.0, beta=3.0, temperature=2.0),
        lambda s: dkd_loss(s, teacher, student.argmax(-1), 0.0, 3.0, 2.0),
        student,
    )


def test_ldrld_of_all_classes_without_pairs_is_kd(batch):
    student, teacher, _ = batch(6, 5)
    same(
        lambda s: ldrld_loss(
            s, teacher, 5, alpha=2.0, beta=9.0, temperature=2.0, delta=0.0, average_pairs=False
        ),
        lambda s: 2 * kd_loss(s, teacher, 2.0),
        student,
    )


def test_ldrld_of_two_classes_weighs_their_pair_and_their_set(batch):
    student, teacher, _ = batch(6, 2)
    weight = 2.0 * math.exp(-0.15) / 2.5
    same(
        lambda s: ldrld_loss(s, teacher, 2, alpha=3.0, average_pairs=False),
        lambda s: 3 * (weight + 1) * kd_loss(s, teacher, 4.0),
        student,
    )


def test_ldrld_divides_by_the_number_of_divergences(batch):
    student, teacher, _ = batch(6, 10)
    same(
        lambda s: 22 * ldrld_loss(s, teacher, 7, beta=0.0),
        lambda s: ldrld_loss(s, teacher, 7, beta=0.0, average_pairs=False),
        student,
    )


@pytest.mark.parametrize('depth', [16, 17, 20])
def test_ldrld_knows_its_gradient_at_any_depth(batch, depth):
    """Up to 16 a matrix adds up what is a rank's."""
    student, teacher, _ = batch(2, 20, scale=1.0)
    assert gradcheck(lambda s: ldrld_loss(s, teacher, depth), student.requires_grad_())


def test_ldrld_pair_weights_at_the_published_depth():
    pairs = [(i, j) for i in range(1, 8) for j in range(i + 1, 8)]
    table = dict(zip(pairs, pair_weights(7).tolist(), strict=True))
    assert sum(table.values()) == pytest.approx(7.7237, abs=5e-5)
    assert table[1, 2] == pytest.approx(0.6886, abs=5e-5)
    assert table[1, 7] == pytest.approx(0.1788, abs=5e-5)


def test_ldrld_ranks_by_the_student_and_breaks_ties_by_index():
    student = torch.tensor([[1.0, 2.0, 2.0, 1.0]], dtype=torch.float64)
    teacher = torch.tensor([[0.0, 1.0, 3.0, 5.0]], dtype=torch.float64)
    # rank 3 is class 0, so class 3 alone remains
    alone = ldrld_loss(student, teacher, 3, alpha=0.0, beta=1.0)
    assert alone == 0
    same(
        lambda s: ldrld_loss(s, teacher, 3, alpha=1.0, beta=0.0),
        lambda s: ldrld_loss(s[:, :3], teacher[:, :3], 3, alpha=1.0, beta=0.0),
        student,
    )


def test_ldrld_remaining_classes_are_exact_where_the_top_holds_all_mass():
    student = torch.tensor([[300.0, 290.0, 1.0, 0.0, -1.0]])
    teacher = torch.tensor([[300.0, 290.0, -1.0, 2.0, 0.0]])
    got = ldrld_loss(student, teacher, 2, alpha=0.0, beta=1.0, temperature=1.0)
    torch.testing.assert_close(got, kd_loss(student[:, 2:], teacher[:, 2:], 1.0))
    assert got > 0.5


def test_dkd_is_exact_where_the_label_holds_all_mass():
    student, teacher = torch.tensor([[200.0, 0.0, 0.0]]), torch.tensor([[200.0, 3.0, 0.0]])
    target = torch.tensor([0])
    got = dkd_loss(student, teacher, target, temperature=1.0)
    torch.testing.assert_close(got, 8 * kd_loss(student[:, 1:], teacher[:, 1:], 1.0))
    # 1 - p_y = 2 exp(-200) + ..., which a subtraction from 1 would lose
    swapped = dkd_loss(student, torch.zeros(1, 3), target, 1.0, 0.0, 1.0)
    expected = (2 / 3) * (200.0 + torch.tensor(1 / 3).log()) + torch.tensor(1 / 3).log() / 3
    torch.testing.assert_close(swapped, expected[None])


def test_nkd_is_cross_entropy_of_the_label_for_a_certain_teacher(batch):
    student, _, target = batch(6, 5)
    teacher = 1e3 * torch.nn.functional.one_hot(target, 5).double()
    same(
        lambda s: nkd_loss(s, teacher, target, gamma=0.0),
        lambda s: torch.nn.functional.cross_entropy(s, target, reduction='none'),
        student,
    )


def test_nkd_and_dkd_teach_the_others_alike(batch):
    student, teacher, target = batch(6, 5)
    others = torch.ones_like(teacher).scatter(-1, target[:, None], 0)
    n = (teacher / 2).masked_fill(others == 0, -torch.inf).softmax(-1)
    entropy = torch.special.entr(n).sum(-1)  # cross-entropy is KL plus the teacher's entropy
    target_term = nkd_loss(student, teacher, target, gamma=0.0)
    got = nkd_loss(student, teacher, target, 3.0, 2.0) - target_term
    expected = dkd_loss(student, teacher, target, 0.0, 3.0, 2.0) + 12 * entropy
    torch.testing.assert_close(got, expected)


def test_ttm_with_power_one_is_kd_without_temperature(batch):
    student, teacher, _ = batch(6, 5)
    same(lambda s: ttm_loss(s, teacher, 1.0), lambda s: kd_loss(s, teacher, 1.0), student)
    same(lambda s: wttm_loss(s, teacher, 1.0), lambda s: kd_loss(s, teacher, 1.0), student)


def test_wttm_weighs_an_undecided_teacher_by_its_classes(batch):
    student, teacher, _ = batch(6, 5)
    uniform = torch.zeros_like(teacher)
    same(
        lambda s: wttm_loss(s, uniform, 0.1),
        lambda s: 5**0.9 * ttm_loss(s, uniform, 0.1),
        student,
    )


def test_luminet_is_kd_on_perceptions(batch):
    student, teacher, _ = batch(6, 5)
    same(
        lambda s: luminet_loss(s, teacher, 4.0, 4.0),
        lambda s: kd_loss(perception(s), perception(teacher), 4.0),
        student,
    )


def test_luminet_mask_leaves_the_statistics_to_the_other_rows(batch):
    student, teacher, _ = batch(6, 5)
    mask = torch.tensor([True, False, True, True, False, True])
    got = luminet_loss(student, teacher, mask=mask)
    torch.testing.assert_close(got[mask], luminet_loss(student[mask], teacher[mask]))


def test_luminet_of_two_rows_sees_signs_alone():
    student = torch.tensor([[3.0, 1.0], [1.0, 2.0]], dtype=torch.float64)
    expected = torch.tensor([[1.0, -1.0], [-1.0, 1.0]], dtype=torch.float64)
    torch.testing.assert_close(perception(student, eps=1e-12), expected)


def test_perception_is_bounded_by_the_batch(batch):
    student, _, _ = batch(9, 5)
    student[0] += 1e6
    assert perception(student).abs().max() <= 8**0.5
    assert perception(student)[0] == pytest.approx(8**0.5)


def test_mlkd_terms_besides_kd_vanish_with_the_temperature(batch):
    student, teacher, _ = batch(6, 5)
    kd = kd_loss(student, teacher, 1e3).mean()
    assert mlkd_loss(student, teacher, (1e3,)).item() == pytest.approx(kd.item(), rel=1e-3)
    assert mlkd_loss(student, teacher, (1.0,)) > kd_loss(student, teacher, 1.0).mean()


def test_mlkd_sums_over_temperatures(batch):
    student, teacher, _ = batch(6, 5)
    same(
        lambda s: mlkd_loss(s, teacher, (2, 5)),
        lambda s: mlkd_loss(s, teacher, (2,)) + mlkd_loss(s, teacher, (5,)),
        student,
    )


def test_binary_kd_without_modulation_is_cross_entropy(batch):
    student, teacher, _ = batch(6, 5)
    bce = torch.nn.functional.binary_cross_entropy_with_logits
    same(
        lambda s: binary_kd_loss(s, teacher, 0.0),
        lambda s: bce(s, teacher.sigmoid(), reduction='none').sum(-1),
        student,
    )


def test_sdd_without_complementary_weight_is_the_mean_over_cells(batch):
    _, teacher, target = batch(5, 6, 3)
    rows = torch.rand(5, 6)
    torch.testing.assert_close(sdd_loss(rows, teacher, target, beta=1.0), rows.mean(0))


def test_sdd_of_the_global_cell_is_the_base(batch):
    _, teacher, target = batch(1, 6, 3)
    rows = torch.rand(1, 6)
    torch.testing.assert_close(sdd_loss(rows, teacher, target, beta=7.0), rows[0])


ROW_SHIFT = torch.tensor([-3.0, 0.0, 1.0, 5.0, 100.0, -7.0], dtype=torch.float64)[:, None]
CLASS_SHIFT = torch.tensor([-3.0, 0.0, 1.0, 50.0, -7.0], dtype=torch.float64)
CLASS_SCALE = torch.tensor([0.5, 1.0, 3.0, 20.0, 7.0], dtype=torch.float64)


@pytest.mark.parametrize(
    'function',
    [
        kd_loss,
        dkd_loss,
        nkd_loss,
        dist_loss,
        ldrld_loss,
        ttm_loss,
        wttm_loss,
        rld_loss,
        gdkd_loss,
        mlkd_loss,
    ],
    ids=lambda f: f.__name__,
)
def test_shift_of_a_row_changes_nothing(batch, function):
    student, teacher, target = batch(6, 5)
    labels = (target,) if function in (dkd_loss, nkd_loss, rld_loss) else ()
    depth = dict(depth=3) if function is ldrld_loss else {}
    same(
        lambda s: function(s + ROW_SHIFT, teacher - 2 * ROW_SHIFT, *labels, **depth),
        lambda s: function(s, teacher, *labels, **depth),
        student,
    )


def test_shift_and_scale_of_a_class_change_nothing_in_luminet(batch):
    student, teacher, _ = batch(6, 5)

    def moved(s):
        return luminet_loss(
            s * CLASS_SCALE + CLASS_SHIFT, teacher / CLASS_SCALE - CLASS_SHIFT, eps=1e-20
        )

    same(moved, lambda s: luminet_loss(s, teacher, eps=1e-20), student)


def test_shift_and_scale_of_a_row_change_nothing_standardised(batch):
    student, _, _ = batch(6, 5)
    scale = torch.tensor([0.5, 1.0, 3.0, 20.0, 7.0, 0.1], dtype=torch.float64)[:, None]
    weights = torch.arange(30.0).view(6, 5)
    same(
        lambda s: weights * standardize(s * scale + ROW_SHIFT, eps=1e-20),
        lambda s: weights * standardize(s, eps=1e-20),
        student,
    )


def test_standardised_rows_have_mean_zero_and_unit_spread(batch):
    rows = standardize(batch(6, 5)[0])
    torch.testing.assert_close(rows.mean(-1), torch.zeros(6).double())
    torch.testing.assert_close(rows.std(-1), torch.ones(6).double())
