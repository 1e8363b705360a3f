"""A local page to draw digits on: a small ASGI application and the files that a browser runs."""
