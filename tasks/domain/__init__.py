"""Records of the trade: frozen, valid at birth, with versioned JSON. They import nothing of ours."""
