"""What every room may use, and what belongs to none."""
