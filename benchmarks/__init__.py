"""One command prints every figure of docs/performance.md: `make bench`."""
