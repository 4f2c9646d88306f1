"""How the processes of the judge talk: frames of bounded length, values as tagged JSON. Standard library only."""
