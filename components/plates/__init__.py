"""Identity plates: a code nobody can guess, its QR, the sheets it is printed on."""
