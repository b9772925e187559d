"""What stands in the documentation is true."""
