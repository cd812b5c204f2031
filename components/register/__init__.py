"""The register at work: ledger, record page, changes with approval, bulk changes, exports."""
