# What every fragment shares. `distill` is no default_hooks entry yet: the student's config defines
# default_hooks, and MMEngine refuses one key in two bases. See README.md.
custom_imports = dict(imports=['mmlogitkd'], allow_failed_imports=False)
distill = dict(type='mmlogitkd.LogitDistillHook')
