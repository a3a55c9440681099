"""Python imports this at its start when this folder is in PYTHONPATH: the network is blocked in child processes too.

A system or an environment may have a ``sitecustomize`` of its own, which this one hides; it is run afterwards.
"""

import importlib.machinery
import importlib.util
import os
import sys

import network_block

network_block.install()


def run_hidden_sitecustomize() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    others = [path for path in sys.path if os.path.abspath(path) != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


run_hidden_sitecustomize()
