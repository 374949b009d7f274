"""Quandela: photonic processors and simulators over Perceval's remote protocol; recovery class ``blind``."""
