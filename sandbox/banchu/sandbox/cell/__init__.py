"""The cell: a fork server in namespaces of its own, and the candidates it makes. Started by `boot.py`."""
