"""What ``benchmarks/obtain.py`` measures, and what it needs for that."""
