"""The proof that mail goes where and how the settings say: the real delivery room on the in-memory network."""
