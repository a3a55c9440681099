"""Counting the operations of a training step, product by product, also of models that are too large to be here."""

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from llama_course.models.llama import Llama, LlamaConfig


def count_training_flop(config: LlamaConfig, length: int) -> int:
    """Floating-point operations of one training step on one text, forwards and backwards.

    The model is made on PyTorch's "meta" device, where tensors have shapes and no numbers: nothing is stored or
    computed, only counted.  A product and its sum count as two operations.  Attention is counted in full, although a
    good program leaves out the half that is masked.

    Args:
        config: the sizes.
        length: tokens in the text, T.

    Left out: everything but products of matrices (norms, activations, the optimizer), far below 1 % in large models.
    """
    meta = torch.device("meta")
    with meta:
        model = Llama(config).to(meta)  # the tables of RoPE as well
        input_ids = torch.zeros(1, length, dtype=torch.long)
    counter = FlopCounterMode(display=False)
    with torch.enable_grad(), counter, sdpa_kernel(SDPBackend.MATH):  # other kernels hide their products
        model(input_ids).sum().backward()
    return counter.get_total_flops()
