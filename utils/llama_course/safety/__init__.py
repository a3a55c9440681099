"""What can be done to a model and with it, by those who mean well and by those who do not; fictional dangers only."""
