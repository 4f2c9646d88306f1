"""Tools that come with banchu. None of them reaches sealed tests, the network or the host."""
