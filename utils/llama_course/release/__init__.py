"""Releasing a model of one's own: measurements, a card whose claims are checked against them, one report."""
