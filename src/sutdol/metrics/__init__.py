"""Pure measures: expected and actual in, one number per case out; and the statistics on them."""
