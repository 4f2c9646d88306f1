"""The tester: runs a benchmark's own check against a stand-in for the candidate. Started by `boot.py`."""
