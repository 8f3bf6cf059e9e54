"""The x-axis: data -> diversity coefficient. Must not see a trained learner (only a frozen probe that is handed in)."""
