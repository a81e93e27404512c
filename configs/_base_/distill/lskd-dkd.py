# DKD on standardised logits (arXiv 2403.01427) on CIFAR-100, as the first version of the authors'
# script sets it: `--kd-weight 9` makes alpha 1 * 9 and beta alpha * 9, and leaves DKD's temperature
# at 4. The corrected one multiplies beta itself and sets the temperature, so 9, 72 and 2.
_base_ = 'hook.py'

distill = dict(
    losses=dict(
        loss_lskd=dict(
            type='mmlogitkd.StandardizedLoss',
            base=dict(type='mmlogitkd.DKDLoss', alpha=9.0, beta=81.0, temperature=4.0),
        )
    ),
    schedules=dict(loss_lskd=dict(type='mmlogitkd.WarmupSchedule', end=20)),
)
