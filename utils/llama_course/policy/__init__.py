"""Law, policy and the press: data with a source on every row, and small functions over them."""
