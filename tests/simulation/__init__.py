"""Hours of mail in seconds: the real delivery room on the in-memory network, with time that jumps to what is next."""
