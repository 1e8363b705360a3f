"""How fast and how right: epoch times, the roofline of a device, and its parity with the CPU."""
