"""What answers like Pasqal in tests and demonstrations? Genuine simulators behind Pasqal's wire."""
