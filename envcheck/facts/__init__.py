"""What can be seen of an environment: a dataclass and its `observe` for each thing looked at.

Nothing is imported here, as every observing child imports this package: all facts would cost each child 45 ms of its
150. They are registered in `envcheck.suites`.
"""
