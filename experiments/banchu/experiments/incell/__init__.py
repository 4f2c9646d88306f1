"""Scripts that run programs inside a command cell, on the standard library alone.

They are sent there as files. Whatever shares a process with a program may be changed by it, so what they print is data
that the program may have written, and is bounded again by whoever reads it.
"""
