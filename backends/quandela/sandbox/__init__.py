"""What answers like Quandela in tests and demonstrations? Genuine simulators behind Quandela's wire."""
