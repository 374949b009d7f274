"""Pasqal's protocol as a server, over whoever can create, read, list and cancel; no SDK, nothing of the adapter."""
