"""Measurements of EchoCLI beside the tools people use today."""
