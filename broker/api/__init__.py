"""The HTTP doors: parse, call one service, present."""
