"""Digits in, batches out: where images and labels come from, and how training takes them."""
