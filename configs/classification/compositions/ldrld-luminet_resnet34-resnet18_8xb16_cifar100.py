# Hyper-parameters: as published for each loss alone; how they share the run is ours, not published.
_base_ = ['../ldrld/ldrld_resnet34-resnet18_8xb16_cifar100.py']

default_hooks = dict(
    distill=dict(
        losses=dict(loss_luminet=dict(type='mmlogitkd.LumiNetLoss', alpha=33.0, loss_weight=0.5)),
        schedules=dict(
            loss_ldrld=dict(type='mmlogitkd.CosineSchedule', end=200, final=0.1),
            loss_luminet=dict(type='mmlogitkd.StepSchedule', milestones=[60, 120, 160], gamma=0.5),
        ),
    )
)
