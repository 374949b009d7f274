"""What the broker believes about hubs, jobs, devices and money: frozen values, pure functions, no library."""
