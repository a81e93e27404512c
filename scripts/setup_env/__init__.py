"""Build the environment that demo and tests run in: ``python3 -m scripts.setup_env``.

Standard library only, since it runs before anything is installed.
"""
