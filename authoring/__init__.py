"""Tools of the course's authors: the notebook builder and the notebook linter."""
