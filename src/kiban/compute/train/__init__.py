"""Training: step time, memory and the search for the best layout, vectorised over layouts."""
