# LDRLD (arXiv 2507.15911) for ResNet32x4 -> ResNet8x4 on CIFAR-100: the only published
# setting. alpha belongs to the form that averages over the pairs, as the authors' code does.
_base_ = 'hook.py'

distill = dict(
    losses=dict(
        loss_ldrld=dict(
            type='mmlogitkd.LDRLDLoss',
            depth=7,
            alpha=10.5,
            beta=7.0,
            temperature=4.0,
            average_pairs=True,
        )
    ),
)
