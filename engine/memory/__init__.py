"""What a space holds: episodes as columns of codes and as vectors, and which of them are set apart to be asked of."""
