"""One module a command. Only their signatures are imported for `--help`; everything heavy is imported in the bodies."""
