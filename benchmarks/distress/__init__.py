"""The sentences from which the distress classifier is learned, its training, and its evaluation."""
