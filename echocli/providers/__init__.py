"""Adapters to inference libraries, one a module, one contract."""
