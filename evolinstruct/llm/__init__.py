"""The client seam: who answers, and what is wrapped around whoever answers."""
