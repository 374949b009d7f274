"""Simulators on this machine, served to every worker by one host process per folder."""
