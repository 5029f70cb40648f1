"""Facts about a corpus, a cache and this project's code, each observed in a child process."""
