"""Pasqal: neutral-atom machines and emulators, spoken to through pasqal-cloud."""
