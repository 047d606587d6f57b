"""Programs for those who work on EchoCLI; none of them is installed."""
