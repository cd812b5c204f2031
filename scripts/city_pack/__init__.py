"""The parts of `scripts/build_city_pack.py`: they turn open data of a city into its data pack."""
