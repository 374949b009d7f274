"""What answers like Amazon in tests and demonstrations? Genuine simulators behind Braket's wire."""
