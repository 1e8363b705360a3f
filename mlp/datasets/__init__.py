"""Images and labels from files, from the network and from the project's own pen."""
