"""What serving a model must cost, from first principles. See README.md in this package for shapes and units."""
