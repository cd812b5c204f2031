"""What changes money: each service is one transaction and one or more entries of one book."""
