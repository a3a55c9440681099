"""Models: what there is (catalog), how it comes (fetch), how it is told (prompts), how it is asked (load_model)."""
