"""Arms over tasks: the run, its ledger, and going on where it stopped.

Import from the modules: `ledger` reads without langgraph or a model, and must stay importable on its own.
"""
