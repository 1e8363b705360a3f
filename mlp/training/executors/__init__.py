"""What makes the updates of an epoch, captured: of small batches, or of large ones in parts."""
