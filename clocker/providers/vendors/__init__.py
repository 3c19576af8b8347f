"""What is more than a line about one infrastructure."""
