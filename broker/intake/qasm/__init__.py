"""What does an OpenQASM 2 or 3 text need? A one-pass reader that counts instead of expanding."""
