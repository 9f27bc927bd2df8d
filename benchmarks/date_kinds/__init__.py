"""The texts from which the classifier of dates is learned, its training, and its evaluation."""
