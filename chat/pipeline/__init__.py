"""How a question is answered and a document analysed, from the request to the stream of events."""
