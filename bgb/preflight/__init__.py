"""What only this project knows about its runs: facts, checks, suites, and the gate before train and build-cache."""
