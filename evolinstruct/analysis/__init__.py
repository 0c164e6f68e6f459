"""Reading a run: its lines, families and statistics. No call is made, and nothing is changed."""
