"""The y-axis: model + episodes -> scores. Must not see the diversity coefficient."""
