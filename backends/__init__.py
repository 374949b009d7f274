"""One folder per vendor; the only place where a vendor SDK may be imported."""
