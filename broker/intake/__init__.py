"""What does this text need from a machine? Untrusted text in; a ``Requirement`` or a located ``ProgramInvalid`` out."""
