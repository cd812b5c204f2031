"""The community atlas (社区本底资料): map sheets, ledger and totals as one PDF."""
