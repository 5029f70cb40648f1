"""What the commands do once they are parsed: each asks the gate where there is one, works, and says what came of it."""
