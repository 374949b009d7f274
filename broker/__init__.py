"""Accept, decide, remember, show: what a hub promises about a job, without knowing any vendor."""
