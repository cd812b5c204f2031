"""The shift log and the hand-over of a shift to the next."""
