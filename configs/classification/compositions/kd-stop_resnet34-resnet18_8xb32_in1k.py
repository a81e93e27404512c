# Hyper-parameters: KD's as published; when it stops is ours, not published.
_base_ = ['../kd/kd_resnet34-resnet18_8xb32_in1k.py']

default_hooks = dict(
    distill=dict(schedules=dict(loss_kd=dict(type='mmlogitkd.StopSchedule', begin=61)))
)
