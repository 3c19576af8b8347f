"""What ``benchmarks/bootstrap.py`` measures, and what it needs for that."""
