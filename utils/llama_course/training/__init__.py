"""Training: the losses of the Llama 2 recipe as pure functions, and adapters for cheap fine-tuning."""
