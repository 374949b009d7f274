"""What the broker believes about hubs, jobs, devices and money: frozen values and pure functions, standard library only."""
