"""Where tasks come from: labelled sets, task sources, episodes, splits and overlap. Knows no network."""
