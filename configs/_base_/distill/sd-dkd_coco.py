# SD-DKD (arXiv 2403.13512) on COCO: what the authors' code does for Faster R-CNN. Five views of
# every box, none weighted as complementary, which is beta=1; `scales` play no part in these views.
_base_ = 'hook.py'

distill = dict(
    losses=dict(
        loss_sdd=dict(
            type='mmlogitkd.SDDLoss',
            beta=1.0,
            base=dict(type='mmlogitkd.DKDLoss', alpha=1.0, beta=0.25, temperature=2.0),
        )
    ),
    logits=dict(type='mmlogitkd.RoIHeadLogits', views='phases'),
)
