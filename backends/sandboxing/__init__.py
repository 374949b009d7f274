"""What do all vendor sandboxes share? Knobs, faults on the wire, a task store that survives a kill, and a ledger."""
