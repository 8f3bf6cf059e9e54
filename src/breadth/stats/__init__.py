"""Pure functions on float arrays (numpy and scipy, never torch): intervals, effects, associations, power."""
