"""One use case per file: take values in, decide with the domain, write through one unit of work."""
