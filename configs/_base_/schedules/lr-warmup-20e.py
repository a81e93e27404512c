# A learning rate that rises from 1/20 over the first 20 epochs, to stand before another schedule.
lr_warmup = dict(type='LinearLR', start_factor=0.05, end=20)
