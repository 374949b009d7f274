"""Another qsubmit hub as a vendor."""
