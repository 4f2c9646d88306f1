"""A simulated model whose rates are known, and what banchu.analysis says of it."""
