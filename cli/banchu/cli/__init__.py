"""The `banchu` command."""
