"""Documents made in the background and kept privately: sheets of plates, atlases."""
