"""What the tests share: real services, processes, factories, and ways to wait."""
