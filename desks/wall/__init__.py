"""The wall: the whole city on one screen, the figures of the lists behind it, no names."""
