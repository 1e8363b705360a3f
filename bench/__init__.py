"""The measurements behind what the project says of its speed; see README.md in this folder."""
