"""Where things are, for the tests."""
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
VECTORS = os.path.join(ROOT, "test-vectors")
sys.path.insert(0, os.path.dirname(HERE))


def vector(*parts):
    with open(os.path.join(VECTORS, *parts), encoding="utf-8") as f:
        return json.load(f)


h = bytes.fromhex
