"""The register on the map: counts by pixel, kept true by triggers, and the tiles made of them."""
