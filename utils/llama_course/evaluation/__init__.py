"""Evaluation: how well a model predicts and answers."""
