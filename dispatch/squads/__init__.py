"""Emergency squads: standing organisations with a roster and a measured reaction time."""
