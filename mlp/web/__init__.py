"""Local pages, to draw digits on and to watch runs: small ASGI applications and their files."""
