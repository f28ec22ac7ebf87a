"""How far WhaleFall is from what the same work costs at least: `python -m benchmarks NAME [--json]`."""
