"""Quandela's protocol as a server, over whoever can create, read and cancel; no SDK, nothing of the adapter."""
