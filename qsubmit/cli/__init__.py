"""The command line: one file per command group, each imported only when its command is typed."""
