"""The few coarse operations that everything is made of."""
