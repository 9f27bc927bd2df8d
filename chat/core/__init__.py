"""Types that all other packages share: events, questions, transcripts, positions. Imports no other package of chat."""
